package identity

import (
	"errors"
	"fmt"
	"time"

	"fieldcast/track"
)

// Failure is why credentials were refused. It is a [track.ErrUnauthorized].
// The values of this package are compared with [errors.Is].
type Failure struct {
	reason  string
	message string
}

// Error returns the sentence.
func (f *Failure) Error() string { return "unauthorized: " + f.message }

// Reason returns a short word for metrics and logs, of a fixed set.
func (f *Failure) Reason() string { return f.reason }

// Unwrap returns [track.ErrUnauthorized].
func (f *Failure) Unwrap() error { return track.ErrUnauthorized }

// The refusals.
var (
	ErrTooLarge      = &Failure{"too_large", fmt.Sprintf("token is longer than %d bytes", MaxTokenBytes)}
	ErrMalformed     = &Failure{"malformed", "this is not a token"}
	ErrBadSignature  = &Failure{"bad_signature", "token is not signed by this installation"}
	ErrWrongIssuer   = &Failure{"wrong_issuer", "token was issued by somebody else"}
	ErrWrongAudience = &Failure{"wrong_audience", "token is for another use"}
	ErrExpired       = &Failure{"expired", "token has expired"}
	ErrNotYetValid   = &Failure{"not_yet_valid", "token is not valid yet"}
	ErrBadClaims     = &Failure{"bad_claims", "token does not say who this is"}
	ErrTooLong       = &Failure{"too_long", "token of another issuer is valid for longer than is allowed"}
	ErrUnknownKey    = &Failure{"unknown_key", "token is signed with a key that is not known, or not known yet"}
	ErrRevoked       = &Failure{"revoked", "token has been revoked"}
	ErrOtherUser     = &Failure{"other_user", "user name does not belong to this token"}
	ErrBadLogin      = &Failure{"bad_login", "e-mail address or password is wrong"}
	ErrUserGone      = &Failure{"user_gone", "this user does not exist any more"}
)

// ErrTooManyAttempts: too many failed logins; see [ThrottledError].
var ErrTooManyAttempts = errors.New("too many failed logins")

// ThrottledError refuses a login without looking at the password, because too
// many failed before. It is an [ErrTooManyAttempts] and a [track.ErrForbidden].
type ThrottledError struct{ retryAfter time.Duration }

// Error says when to try again.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrTooManyAttempts, e.retryAfter)
}

// RetryAfter returns how long to wait, in whole seconds, at least one.
func (e *ThrottledError) RetryAfter() time.Duration { return e.retryAfter }

// Reason returns the word for metrics.
func (e *ThrottledError) Reason() string { return "too_many_attempts" }

// Unwrap returns both kinds.
func (e *ThrottledError) Unwrap() []error { return []error{ErrTooManyAttempts, track.ErrForbidden} }
