package crowd

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

var header = []string{"employee", "username", "password", "client_id"}

// ReadCredentials reads the file that "fieldcast employee add --out" wrote. The
// company of a phone is what stands behind the '@' of its user name.
func ReadCredentials(path string) ([]Phone, error) {
	f, err := os.Open(path) //nolint:gosec // the caller's file
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	defer f.Close()
	phones, err := parseCredentials(f)
	if err != nil {
		return nil, fmt.Errorf("read credentials %s: %w", path, err)
	}
	return phones, nil
}

func parseCredentials(f io.Reader) ([]Phone, error) {
	r := csv.NewReader(f)
	r.FieldsPerRecord = len(header)
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Equal(first, header) {
		return nil, fmt.Errorf("the first line must be %s", strings.Join(header, ","))
	}
	var phones []Phone
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return phones, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		_, company, ok := strings.Cut(row[1], "@")
		if !ok || company == "" || row[0] == "" {
			return nil, fmt.Errorf("line %d: %q is not employee@company", line, row[1])
		}
		phones = append(phones, Phone{Company: company, Employee: row[0], Username: row[1], Password: row[2], ClientID: row[3]})
	}
}
