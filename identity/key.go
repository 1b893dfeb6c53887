package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	// KeyFile is the name of the signing key in the folder of keys.
	KeyFile = "token.key"

	keyBytes    = 32      // as long as the output of SHA-256: RFC 7518, section 3.2
	maxKeyBytes = 4 << 10 // of the file: what is longer is not a key
)

// LoadKey reads the signing key from dir/token.key: at least 32 bytes, written
// as hex or base64. If there is no such file it makes one; when several
// processes do so at once, all return the same key. A key that is too short, or
// that others can read or replace, is refused with what to do about it.
func LoadKey(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for the signing key: %w", err)
	}
	path := filepath.Join(dir, KeyFile)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(dir, path); err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return readKey(path)
}

func readKey(path string) (_ []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	defer f.Close()
	if err := checkPrivate(f, path); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	key, ok := decodeKey(bytes.TrimSpace(text))
	if !ok || len(text) > maxKeyBytes {
		return nil, fmt.Errorf("signing key %s is neither hex nor base64; restore it from a backup, or remove it and issue all tokens again", path)
	}
	if len(key) < keyBytes {
		return nil, fmt.Errorf("signing key %s has %d bytes, but needs %d; restore it from a backup, or remove it and issue all tokens again", path, len(key), keyBytes)
	}
	return key, nil
}

// checkPrivate refuses a file that others can read, or a folder in which they
// could replace it.
func checkPrivate(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read signing key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("signing key %s is not a file", path)
	}
	if runtime.GOOS == "windows" {
		return nil // permissions are not in the mode there
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("signing key %s is open to other users; run: chmod 600 %s", path, path)
	}
	dir := filepath.Dir(path)
	if info, err = os.Stat(dir); err != nil {
		return fmt.Errorf("read signing key: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("folder of the signing key can be changed by other users; run: chmod 700 %s", dir)
	}
	return nil
}

// decodeKey tries hex first: 64 hex digits would be base64 of 48 bytes as well.
func decodeKey(text []byte) ([]byte, bool) {
	if key, err := hex.DecodeString(string(text)); err == nil {
		return key, true
	}
	plain := string(bytes.TrimRight(text, "="))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := enc.DecodeString(plain); err == nil {
			return key, true
		}
	}
	return nil, false
}

// makeKey writes a new key beside its final name and links it there once it is
// complete and on disk. A link never replaces: whoever comes second keeps the
// first one's key.
func makeKey(dir, path string) (err error) {
	f, err := os.CreateTemp(dir, ".token-*.key") // CreateTemp gives 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = fmt.Fprintln(f, hex.EncodeToString(random(keyBytes)))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name durable: tokens signed with a key that a power
// loss takes away would be worthless.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
