package identity_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

// guess fails to log in until it is throttled, and returns how often it failed
// and how long it is told to wait.
func (f *fixture) guess(tb testing.TB, from, email string, most int) (failed int, wait time.Duration) {
	tb.Helper()
	ctx := identity.WithRemote(context.Background(), from)
	for failed < most {
		_, err := f.Login(ctx, email, "")
		var throttled *identity.ThrottledError
		switch {
		case errors.As(err, &throttled):
			if !errors.Is(err, identity.ErrTooManyAttempts) || !errors.Is(err, track.ErrForbidden) || errors.Is(err, track.ErrUnauthorized) {
				tb.Errorf("%v is of the wrong kind", err)
			}
			return failed, throttled.RetryAfter()
		case !errors.Is(err, identity.ErrBadLogin):
			tb.Fatalf("after %d failures: %v", failed, err)
		}
		failed++
	}
	return failed, 0
}

func TestThrottleAccount(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	failed, wait := f.guess(t, "192.0.2.1:1000", email, 50)
	if failed != 10 || wait != 30*time.Second {
		t.Errorf("%d failures, then a wait of %v; want 10, 30s", failed, wait)
	}
	if failed, _ := f.guess(t, "198.51.100.1", email, 50); failed != 0 {
		t.Errorf("%d failures from another address", failed)
	}
	if _, err := f.Login(context.Background(), email, password); !errors.Is(err, identity.ErrTooManyAttempts) {
		t.Errorf("the password was looked at: %v", err)
	}
	if failed, _ := f.guess(t, "203.0.113.1", "other@acme.example", 3); failed != 3 {
		t.Error("another account is throttled as well")
	}
	f.clock.advance(wait)
	if _, err := f.Login(context.Background(), email, password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if failed, _ := f.guess(t, "203.0.113.2", email, 50); failed != 10 {
		t.Errorf("after a success %d failures are allowed, want 10", failed)
	}
	f.clock.advance(24 * time.Hour)
	if failed, _ := f.guess(t, "203.0.113.3", email, 50); failed != 10 {
		t.Errorf("after a day %d failures are allowed, want 10", failed)
	}
}

func TestThrottleRemote(t *testing.T) {
	f := newFixture(t)
	var failed int
	var wait time.Duration
	for i := 0; wait == 0 && i < 100; i++ {
		var n int
		n, wait = f.guess(t, fmt.Sprintf("192.0.2.1:%d", 1000+i), fmt.Sprintf("e%d@acme.example", i), 1)
		failed += n
	}
	if failed != 30 || wait != 5*time.Second {
		t.Errorf("%d failures, then a wait of %v; want 30, 5s", failed, wait)
	}
	if n, _ := f.guess(t, "::ffff:192.0.2.1", "x@acme.example", 1); n != 0 {
		t.Error("the same address, written as IPv6, is not throttled")
	}
	if n, _ := f.guess(t, "192.0.2.2", "y@acme.example", 1); n != 1 {
		t.Error("another address is throttled as well")
	}
	for i := range 31 {
		f.guess(t, fmt.Sprintf("[2001:db8:1:2::%x]:443", i), fmt.Sprintf("v%d@acme.example", i), 1)
	}
	if n, _ := f.guess(t, "2001:db8:1:2:ffff::1", "z@acme.example", 1); n != 0 {
		t.Error("another address of the same customer is not throttled")
	}
	if n, _ := f.guess(t, "2001:db8:1:3::1", "z@acme.example", 1); n != 1 {
		t.Error("the customer beside is throttled")
	}
}

// Who guesses locks out nobody who has logged in from the same place before.
func TestThrottleDoesNotLockOut(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	home := identity.WithRemote(context.Background(), "203.0.113.7")
	if _, err := f.Login(home, email, password); err != nil {
		t.Fatal(err)
	}
	if failed, _ := f.guess(t, "192.0.2.1", email, 50); failed != 10 {
		t.Fatalf("%d failures", failed)
	}
	if _, err := f.Login(home, email, password); err != nil {
		t.Errorf("the user is locked out: %v", err)
	}
	if failed, _ := f.guess(t, "203.0.113.7", email, 50); failed != 10 {
		t.Errorf("%d failures from the known place, want 10", failed)
	}
}

// A good account is no licence to guess at others.
func TestThrottleSuccessForgivesNoAddress(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	attacker := identity.WithRemote(context.Background(), "192.0.2.1")
	failed := 0
	for i := range 40 {
		if _, err := f.Login(attacker, fmt.Sprintf("e%d@acme.example", i), ""); errors.Is(err, identity.ErrBadLogin) {
			failed++
		}
		_, _ = f.Login(attacker, email, password) // succeeds while it may
	}
	if failed > 30 {
		t.Errorf("%d failures, want at most 30", failed)
	}
}

func TestThrottleCountsWhatIsUnderWay(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	var tried atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := f.Login(context.Background(), email, "guess"); errors.Is(err, identity.ErrBadLogin) {
				tried.Add(1)
			}
		})
	}
	wg.Wait()
	if n := tried.Load(); n != 10 {
		t.Errorf("%d guesses at once were tried, want 10", n)
	}
}
