package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// locker lets one process at a time migrate: an exclusive transaction on an
// empty database beside the real one. SQLite has no lock of its own that spans
// several transactions, and file locks differ between systems.
type locker struct {
	path string
	db   *sql.DB
	conn *sql.Conn
}

// Lock implements goose's lock.Locker.
func (l *locker) Lock(ctx context.Context, _ *sql.DB) (err error) {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the migration: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if l.db, err = openLock(l.path); err != nil {
		return err
	}
	if l.conn, err = l.db.Conn(ctx); err == nil {
		_, err = l.conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("wait for another process that migrates: %w", err), l.release())
	}
	return nil
}

// Unlock implements goose's lock.Locker.
func (l *locker) Unlock(context.Context, *sql.DB) error { return l.release() }

// release closes the connection, which ends its transaction. The locker can be
// used again.
func (l *locker) release() error {
	var err error
	if l.conn != nil {
		err = l.conn.Close()
		l.conn = nil
	}
	return errors.Join(err, l.db.Close())
}

// remove takes the file away after a migration that went well: who has waited
// for the lock on it finds the work done, and so does who makes it anew.
func (l *locker) remove() { _ = os.Remove(l.path) } // mostly not there; never in the way
