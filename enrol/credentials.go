package enrol

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fieldcast/identity"
)

// WriteCSV writes credentials with the header employee,username,password,client_id.
func WriteCSV(w io.Writer, credentials []identity.Credential) error {
	out := csv.NewWriter(w)
	rows := make([][]string, 0, len(credentials)+1)
	rows = append(rows, []string{"employee", "username", "password", "client_id"})
	for _, c := range credentials {
		rows = append(rows, []string{c.Employee, c.Username, c.Password, c.ClientID})
	}
	return out.WriteAll(rows)
}

// SecretFile is a file of secrets that appears at its place complete or not at
// all, readable by its owner only. Make it with [CreateSecret] before the
// secrets are made: where no file can be written, none should exist.
type SecretFile struct {
	path string
	temp *os.File
}

// CreateSecret prepares a file. It returns [fs.ErrExist] if there is one: the
// credentials in it cannot be had again.
func CreateSecret(path string) (*SecretFile, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return nil, err
	}
	return &SecretFile{path: path, temp: temp}, nil
}

// Write adds to the file.
func (f *SecretFile) Write(p []byte) (int, error) { return f.temp.Write(p) }

// Commit puts the file, on disk, at its place. If that fails, the file is gone.
func (f *SecretFile) Commit() error {
	err := errors.Join(f.temp.Sync(), f.temp.Close())
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", f.path, err), os.Remove(f.temp.Name()))
	}
	return nil
}

// Abort removes what was written. After [SecretFile.Commit] it does nothing.
func (f *SecretFile) Abort() {
	_ = f.temp.Close()
	_ = os.Remove(f.temp.Name()) // not there any more after Commit
}
