package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"fieldcast/track"
)

// SQLSTATE codes and classes (PostgreSQL, appendix A).
const (
	classConnection = "08"
	classData       = "22"
	classConstraint = "23"
	classAuth       = "28"
	classRollback   = "40" // deadlock, serialization: the same again may pass
	classResources  = "53" // disk full, out of memory, too many connections
	classLimit      = "54" // a value that no index or row can hold
	classState      = "55" // lock not available, object in use
	classOperator   = "57" // shutdown, cancel, not accepting connections
	classSystem     = "58" // I/O error
	codeReadOnly    = "25006"
	codeUnique      = "23505"
	codeRaised      = "P0001" // by a trigger
	codePrivilege   = "42501"
	codeNoDatabase  = "3D000"
	codeWrongPass   = "28P01"
)

// sqlstate returns the code of what the server said, or "".
func sqlstate(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// class returns the first two characters of a code.
func class(code string) string { return code[:min(2, len(code))] }

// refused reports whether the server refused a row itself: another attempt
// would end the same way, and other rows may pass.
func refused(err error) bool {
	code := sqlstate(err)
	switch class(code) {
	case classData, classConstraint, classLimit:
		return true
	}
	return code == codeRaised
}

// exists reports whether a row with this key is there already.
func exists(err error) bool { return sqlstate(err) == codeUnique }

// away reports whether the database cannot be used at present.
func away(err error) bool {
	if code := sqlstate(err); code != "" {
		switch class(code) {
		case classConnection, classAuth, classRollback, classResources, classState, classOperator, classSystem:
			return true
		}
		return code == codeReadOnly || code == codeNoDatabase
	}
	var (
		connect *pgconn.ConnectError
		network net.Error
	)
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errLost) ||
		errors.Is(err, context.DeadlineExceeded) // our own limit: the caller's was looked at before
}

// errLost marks what failed because its connection broke.
var errLost = errors.New("the connection to the database broke")

// errReadOnly marks what a database answers that takes no changes.
var errReadOnly = errors.New("read-only")

// fail gives err the kind that callers look for. The error of ctx wins over
// what the interrupted statement said, and a closed store over both.
func (s *Store) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	for _, kind := range []error{track.ErrConflict, track.ErrExists, track.ErrNotFound, track.ErrInvalid, track.ErrNewerSchema} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	if s.gate.Closed() {
		return s.gate.Err()
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %w", op, cause)
	}
	if away(err) {
		// Not wrapped: a deadline that is not the caller's must not look like it.
		return fmt.Errorf("%s: the database at %s cannot be used at present: %w (%s)", op, s.address, track.ErrUnavailable, oneLine(err))
	}
	return fmt.Errorf("%s: %w", op, err)
}

// oneLine is what the server said, or else the whole error without its line
// breaks: pgx lists every attempt to connect in a line of its own.
func oneLine(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}
