package e2e_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver of another process on the same file
)

// sqliteLock is what a backup tool or a person with a shell does to the
// database: it takes the write lock and keeps it.
type sqliteLock struct {
	t    *testing.T
	conn *sql.Conn
}

// startServerWithLockedSQLite starts a server with a company acme, on an
// SQLite that can be locked.
func startServerWithLockedSQLite(t *testing.T) (*server, *sqliteLock) {
	t.Helper()
	s := startServer(t, "")
	return s, newSQLiteLock(t, s)
}

func newSQLiteLock(t *testing.T, s *server) *sqliteLock {
	t.Helper()
	conn, err := openSQLite(t, s).Conn(context.Background())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &sqliteLock{t: t, conn: conn}
}

func openSQLite(t *testing.T, s *server) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Data, "fieldcast.db")+"?_pragma=busy_timeout(20000)")
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (l *sqliteLock) exec(statement string) {
	l.t.Helper()
	_, err := l.conn.ExecContext(context.Background(), statement)
	must(l.t, err)
}

func (l *sqliteLock) lock()   { l.t.Helper(); l.exec("BEGIN IMMEDIATE") }
func (l *sqliteLock) unlock() { l.t.Helper(); l.exec("ROLLBACK") }
