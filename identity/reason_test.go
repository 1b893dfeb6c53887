package identity_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"fieldcast/identity"
	"fieldcast/track"
)

func TestNewRefuses(t *testing.T) {
	for name, o := range map[string]identity.Options{
		"no store":  {Key: testKey},
		"no key":    {Store: newMemory()},
		"short key": {Store: newMemory(), Key: testKey[:31]},
	} {
		if s, err := identity.New(o); !errors.Is(err, track.ErrInvalid) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if _, err := identity.New(identity.Options{Store: newMemory(), Key: testKey, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

// Who counts refusals needs only this much of an error, and no import.
type reasoned interface{ Reason() string }

func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, err := range []error{
		identity.ErrTooLarge, identity.ErrMalformed, identity.ErrBadSignature, identity.ErrWrongIssuer, identity.ErrWrongAudience,
		identity.ErrExpired, identity.ErrNotYetValid, identity.ErrBadClaims, identity.ErrRevoked, identity.ErrOtherUser,
		identity.ErrBadLogin, identity.ErrUserGone, &identity.ThrottledError{},
	} {
		var r reasoned
		if !errors.As(fmt.Errorf("wrapped: %w", err), &r) || r.Reason() == "" || seen[r.Reason()] {
			t.Errorf("%v has no reason of its own", err)
			continue
		}
		seen[r.Reason()] = true
	}
}

func ExampleService_Authenticate() {
	ids, err := identity.New(identity.Options{Store: newMemory(), Key: testKey})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = ids.Authenticate("e17@acme", "guess")
	var refusal *identity.Failure
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason(), "-", err)
	}
	// Output: malformed - unauthorized: this is not a token
}
