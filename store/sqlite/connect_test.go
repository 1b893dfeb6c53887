package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// The test is inside the package: what connections obey cannot be seen from
// outside, short of pulling the plug.
func TestConnections(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "fieldcast.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		for name, db := range map[string]querier{"writer": s.writer, "reader": s.readers} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s of the %s: got %q, %v, want %q", pragma, name, got, err, want)
			}
		}
	}
	if _, err := s.readers.ExecContext(t.Context(), "DELETE FROM fix"); err == nil {
		t.Error("a reader could write")
	}
}

// TestConnectionThatDoesNotObey has a pragma that SQLite silently ignores.
func TestConnectionThatDoesNotObey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	if err := makeFile(path); err != nil {
		t.Fatal(err)
	}
	c, err := dial(path, map[string][]string{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)"}})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connector{c}.Connect(t.Context())
	if err == nil {
		_ = conn.Close()
		t.Fatal("connected")
	}
	if want := "synchronous is 1 where 2 is needed"; !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}
