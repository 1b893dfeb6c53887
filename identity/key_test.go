package identity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fieldcast/identity"
)

func TestLoadKeyMakesOnePrivateKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "keys")
	keys := make([][]byte, 32)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := identity.LoadKey(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	wg.Wait()
	for _, key := range keys {
		if len(key) != 32 || !bytes.Equal(key, keys[0]) {
			t.Fatalf("keys differ: %d bytes and %d bytes", len(key), len(keys[0]))
		}
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, identity.KeyFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v; want the key alone", entries, err)
	}
	other, err := identity.LoadKey(t.TempDir())
	if err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("two installations have one key, %v", err)
	}
}

func TestLoadKeyReadsHexAndBase64(t *testing.T) {
	want := bytes.Repeat([]byte{0xfb, 0xef}, 16) // has both + and / in base64
	for name, text := range map[string]string{
		"hex":            hex.EncodeToString(want),
		"upper case hex": strings.ToUpper(hex.EncodeToString(want)) + "\n",
		"base64":         base64.StdEncoding.EncodeToString(want) + "\r\n",
		"base64url":      "  " + base64.RawURLEncoding.EncodeToString(want),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, text, 0o600)
			got, err := identity.LoadKey(dir)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x, %v", got, err)
			}
		})
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	good := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name, text string
		file, dir  os.FileMode
		want       string
	}{
		{"readable by group", good, 0o640, 0o700, "run: chmod 600 "},
		{"readable by all", good, 0o604, 0o700, "run: chmod 600 "},
		{"folder others can change", good, 0o600, 0o777, "run: chmod 700 "},
		{"too short", strings.Repeat("ab", 31), 0o600, 0o700, "has 31 bytes, but needs 32"},
		{"empty", "", 0o600, 0o700, "has 0 bytes"},
		{"not text", "\x00\x01\xff", 0o600, 0o700, "neither hex nor base64"},
		{"huge", strings.Repeat("ab", 5000), 0o600, 0o700, "neither hex nor base64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.text, tt.file)
			if err := os.Chmod(dir, tt.dir); err != nil {
				t.Fatal(err)
			}
			key, err := identity.LoadKey(dir)
			if err == nil || key != nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %x, %v; want %q", key, err, tt.want)
			}
			if len(tt.text) > 10 && strings.Contains(err.Error(), tt.text[:10]) {
				t.Errorf("the message holds the key: %v", err)
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("needs a user other than root, whom no permission stops")
		}
		dir := t.TempDir()
		write(t, dir, good, 0)
		if _, err := identity.LoadKey(dir); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a folder in its place", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, identity.KeyFile), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.LoadKey(dir); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file in the folder's place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.LoadKey(path); err == nil {
			t.Error("no error")
		}
	})
}

func write(tb testing.TB, dir, text string, mode os.FileMode) {
	tb.Helper()
	path := filepath.Join(dir, identity.KeyFile)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		tb.Fatal(err)
	}
}
