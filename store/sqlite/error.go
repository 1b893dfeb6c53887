package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// code returns SQLite's primary result code, or 0 if err is not SQLite's.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// extended returns SQLite's extended result code, or 0.
func extended(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// refused reports whether SQLite refused the row itself: another attempt would
// end the same way, and other rows may pass.
func refused(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return true
	}
	return false
}

// exists reports whether a row with this key is there already.
func exists(err error) bool {
	switch extended(err) {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return true
	}
	return false
}

// fail gives err the kind that callers look for. The error of ctx wins over
// what the interrupted statement said, and a closed store over both.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if s.gate.Closed() {
		return s.gate.Err()
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %w", op, cause)
	}
	if c := code(err); c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("%s: %w (%w)", op, row.ErrDamaged, err)
	}
	var hint string
	switch code(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		hint = "another process is using the database file"
	case sqlite3.SQLITE_FULL:
		hint = "the disk is full"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		hint = "the database file cannot be written"
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		hint = "the disk does not answer as it should"
	case sqlite3.SQLITE_NOMEM:
		hint = "out of memory"
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
	return fmt.Errorf("%s: %s: %w: %w", op, hint, track.ErrUnavailable, err)
}
