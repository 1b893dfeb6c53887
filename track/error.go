package track

import (
	"errors"
	"fmt"
)

// The kinds of failure that callers tell apart, with [errors.Is].
var (
	// ErrNotFound: the company, employee, user or token does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists: something with this name exists already.
	ErrExists = errors.New("exists already")
	// ErrInvalid: the input breaks a rule; the message says which.
	ErrInvalid = errors.New("invalid")
	// ErrUnauthorized: the credentials do not prove who this is.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: who this is may not do that.
	ErrForbidden = errors.New("forbidden")
	// ErrConflict: another writer was faster.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: a part that is needed is away; try again later.
	ErrUnavailable = errors.New("unavailable")
	// ErrNewerSchema: the database was written by a newer version.
	ErrNewerSchema = errors.New("database schema is newer than this program")
)

// Invalid returns an [ErrInvalid] that names the field and what is wrong.
func Invalid(field, format string, args ...any) error {
	return fmt.Errorf("%w %s: %s", ErrInvalid, field, fmt.Sprintf(format, args...))
}
