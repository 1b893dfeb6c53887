package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// loadOrMake returns the secret in a file, which it makes of fresh at first.
func loadOrMake(file, fresh string) (string, error) {
	old, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(old)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("demo password: %w", err)
	}
	if err := os.WriteFile(file, []byte(fresh+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("demo password: %w", err)
	}
	return fresh, nil
}
