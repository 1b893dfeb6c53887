package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/store/sqlite"
	"fieldcast/track"
)

func TestOpenErrors(t *testing.T) {
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "fieldcast.db")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("")
	for _, c := range []struct{ name, path, want string }{
		{"not a database", write(strings.Repeat("this is a letter, not a database. ", 100)), "not a SQLite database"},
		{"a short file", write("hello"), "not a SQLite database"},
		{"a folder", t.TempDir(), "cannot write the database file"},
		{"below a file", filepath.Join(file, "x", "fieldcast.db"), "cannot make its folder"},
		{"no path", "", "no path was given"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sqlite.Open(t.Context(), c.path, sqlite.Options{})
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %q, want one line with %q and the path", err, c.want)
			}
		})
	}
}

func TestOpenStrangePaths(t *testing.T) {
	for _, name := range []string{"a b.db", "50%.db", "what?.db", "a#b.db", "ü&x=1.db"} {
		path := filepath.Join(t.TempDir(), name)
		open(t, path)
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: got %v, %v, want the database under this very name", name, info, err)
		}
	}
}

func TestFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs file modes of Unix")
	}
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "fieldcast.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddCompany(t.Context(), track.Company{ID: "acme"}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]os.FileMode{dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + "-lock": 0o600} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", file, got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("opened again: got %v, %v, want mode 600", info.Mode(), err)
	}
}

// raw opens the file without the store.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, sql string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	open(t, path)
	execute(t, raw(t, path), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if !errors.Is(err, track.ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
		t.Fatalf("got error %v, want %v with the version", err, track.ErrNewerSchema)
	}
}

func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			_ = s.Close()
		})
	}
	wg.Wait()
	var n int
	if err := raw(t, path).QueryRow("SELECT count(*) FROM goose_db_version WHERE version_id = 1").Scan(&n); err != nil || n != 1 {
		t.Fatalf("the first migration ran %d times, %v", n, err)
	}
}

// TestOtherProcess lets a second process write beside this one.
func TestOtherProcess(t *testing.T) {
	const env = "FIELDCAST_TEST_SQLITE_CHILD"
	const each = 100
	write := func(path, name string) {
		s := open(t, path)
		for i := range each {
			if err := s.AddCompany(t.Context(), track.Company{ID: fmt.Sprint(name, i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if path := os.Getenv(env); path != "" {
		write(path, "child")
		return
	}
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$", "-test.timeout=60s")
	child.Env = append(os.Environ(), env+"="+path)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	write(path, "parent") // both make the file, or find it being made
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	cs, err := open(t, path).Companies(t.Context())
	if err != nil || len(cs) != 2*each {
		t.Fatalf("got %d companies, %v, want %d", len(cs), err, 2*each)
	}
}

func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	s := open(t, path)
	other := raw(t, path)
	execute(t, other, "BEGIN IMMEDIATE")

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.AddCompany(ctx, track.Company{ID: "acme"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Fatalf("the deadline of 200 ms was noticed after %v", took)
	}
	if _, err := s.Companies(t.Context()); err != nil {
		t.Fatalf("a reader must not wait for a writer: %v", err)
	}

	done := make(chan error)
	go func() { done <- s.AddCompany(t.Context(), track.Company{ID: "zeta"}) }()
	time.AfterFunc(time.Second, func() { _, _ = other.Exec("ROLLBACK") })
	if err := <-done; err != nil {
		t.Fatalf("a writer must wait for another for seconds: %v", err)
	}
	cs, err := s.Companies(t.Context())
	if err != nil || len(cs) != 1 || cs[0].ID != "zeta" {
		t.Fatalf("got %v, %v, want zeta only", cs, err)
	}
}

// TestRefusedByTrigger has a rule of the database's owner refuse rows.
func TestRefusedByTrigger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	s := open(t, path)
	execute(t, raw(t, path), `CREATE TRIGGER no_seven BEFORE INSERT ON fix WHEN NEW.seq = 7 BEGIN SELECT RAISE(ABORT, 'seven is not liked'); END`)
	var b track.Batch
	b.Through = 10
	for i := range 10 {
		b.Fixes = append(b.Fixes, track.Fix{Company: "acme", Employee: "e1", Lat: float64(i), RecordedAt: time.Now(), ReceivedAt: time.Now(), Seq: uint64(i)}.Round())
	}
	r, err := s.Commit(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if r.Stored != 9 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Detail, "seven is not liked") {
		t.Fatalf("got %+v, want nine stored and the reason for one", r)
	}
}

// TestRollback has the database end a transaction by itself, as it does when
// the disk is full.
func TestRollback(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	s := open(t, path)
	other := raw(t, path)
	execute(t, other, "CREATE TRIGGER full BEFORE INSERT ON company BEGIN SELECT RAISE(ROLLBACK, 'gone'); END")
	if err := s.AddCompany(t.Context(), track.Company{ID: "acme"}); err == nil {
		t.Fatal("added")
	}
	execute(t, other, "DROP TRIGGER full")
	if err := s.AddCompany(t.Context(), track.Company{ID: "acme"}); err != nil {
		t.Fatalf("the store does not recover: %v", err)
	}
}

// TestReopen opens the files as a crash leaves them: what was committed is in
// the WAL.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fieldcast.db")
	s := open(t, path)
	b := track.Batch{Through: 1, Fixes: []track.Fix{track.Fix{Company: "acme", Employee: "e1", RecordedAt: time.Now(), ReceivedAt: time.Now(), Seq: 1}.Round()}}
	if _, err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "fieldcast.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := open(t, copied).Stats(t.Context(), "acme")
	if err != nil || st.Fixes != 1 {
		t.Fatalf("got %+v, %v, want one fix", st, err)
	}
}
