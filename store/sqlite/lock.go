package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// openTimeout is how long a start waits for another that migrates.
const openTimeout = 10 * time.Minute

// lock lets one process at a time open a database: two that switch a new file
// to WAL, or migrate it, would be in each other's way. It is an exclusive
// transaction on an empty database at path, beside the real one: SQLite has no
// lock that spans several transactions, and file locks differ between systems.
// The file stays: who removes it takes it from under those who wait for it.
func lock(ctx context.Context, path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openLock(path)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wait for another process that opens the database: %w", err), release(conn, db))
	}
	return func() error { return release(conn, db) }, nil
}

// release closes the connection, which ends its transaction.
func release(conn *sql.Conn, db *sql.DB) error {
	var err error
	if conn != nil {
		err = conn.Close()
	}
	return errors.Join(err, db.Close())
}
