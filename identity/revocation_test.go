package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"fieldcast/identity"
	"fieldcast/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told collects what OnRevoke says.
type told struct {
	mu  sync.Mutex
	ids []string
}

func (t *told) add(ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ids = append(t.ids, ids...)
}

func (t *told) get() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.ids)
}

// start runs a service in a bubble until the test ends.
func (f *fixture) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
}

// bubble is a fixture whose clock is the bubble's.
func bubble(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.clock = nil
	s, err := identity.New(identity.Options{Store: f.store, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	f.Service = s
	return f
}

func TestRevokedWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubble(t)
		var revoked told
		f.OnRevoke(revoked.add)
		token := f.mustIssue(t, device)
		id, err := f.Verify(token)
		if err != nil {
			t.Fatal(err)
		}
		f.start(t)
		for range 100 { // whatever the phase of the poll
			time.Sleep(137 * time.Millisecond)
			f.store.revoke(id.TokenID, time.Now(), id.ExpiresAt)
			begun := time.Now()
			for {
				if _, err = f.Verify(token); err != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Fatalf("a revoked token was good for %v", took)
			}
			if !errors.Is(err, identity.ErrRevoked) {
				t.Fatal(err)
			}
			if ids := revoked.get(); !slices.Contains(ids, id.TokenID) {
				t.Fatalf("told of %v", ids)
			}
			token = f.mustIssue(t, device)
			if id, err = f.Verify(token); err != nil {
				t.Fatal(err)
			}
		}
		if ids := revoked.get(); len(ids) != 100 {
			t.Errorf("told %d times of 100 revocations", len(ids))
		}
	})
}

func TestStartKnowsAllAtOnce(t *testing.T) {
	f := newFixture(t)
	token := f.mustIssue(t, device)
	id, err := f.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	f.store.revoke(id.TokenID, f.clock.now().Add(-300*24*time.Hour), id.ExpiresAt)
	if err := f.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(token); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("a token that was revoked long ago: %v", err)
	}
	if _, err := f.Authenticate("e17@acme", token); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("at CONNECT: %v", err)
	}
	f.store.err = track.ErrUnavailable
	if err := f.Start(context.Background()); !errors.Is(err, track.ErrUnavailable) {
		t.Errorf("Start without a store: %v", err)
	}
}

func TestRunWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		var revoked told
		f.OnRevoke(revoked.add)
		f.start(t)
		f.store.revoke("known", f.clock.now(), time.Time{})
		time.Sleep(3 * time.Second)

		f.store.set(func(m *memory) { m.err = track.ErrUnavailable })
		time.Sleep(time.Minute)
		f.store.set(func(m *memory) { m.err, m.hang = nil, true }) // a network that swallows everything
		time.Sleep(time.Minute)
		f.store.revoke("late", f.clock.now(), time.Time{})
		f.store.set(func(m *memory) { m.hang = false })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := revoked.get(); !slices.Equal(got, []string{"known", "late"}) {
			t.Errorf("told of %v", got)
		}
		log := f.log.String()
		if strings.Count(log, "cannot read revoked tokens") != 1 || strings.Count(log, "are read again") != 1 {
			t.Errorf("want one line for the outage and one for its end, got:\n%s", log)
		}
	})
}

// A revocation that appears late, or whose time is before others because the
// database's clock was set back, is found all the same; and old ones are not
// read for ever.
func TestRunFindsLateRevocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubble(t)
		var revoked told
		f.OnRevoke(revoked.add)
		f.start(t)
		begun := time.Now()
		f.store.revoke("first", begun, time.Time{})
		time.Sleep(3 * time.Second)
		f.store.revoke("slow commit", begun.Add(-20*time.Second), time.Time{})
		time.Sleep(5 * time.Second)
		if got := revoked.get(); !slices.Equal(got, []string{"first", "slow commit"}) {
			t.Errorf("told of %v", got)
		}
		f.store.revoke("clock set back", begun.Add(-time.Hour), time.Time{})
		time.Sleep(6 * time.Minute)
		if got := revoked.get(); !slices.Contains(got, "clock set back") {
			t.Errorf("told of %v", got)
		}
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		full := 0
		for _, since := range f.store.since {
			if since.IsZero() {
				full++
			}
		}
		if full > 4 || len(f.store.since) < 180 {
			t.Errorf("%d of %d polls read everything", full, len(f.store.since))
		}
	})
}

func TestExpiredRevocationsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := bubble(t)
		var revoked told
		f.OnRevoke(revoked.add)
		f.start(t)
		f.store.revoke("short", time.Now(), time.Now().Add(time.Minute))
		time.Sleep(3 * time.Second)
		f.store.set(func(m *memory) { m.tokens = nil }) // stores leave out what has expired
		time.Sleep(10 * time.Minute)
		f.store.revoke("short", time.Now(), time.Now().Add(time.Minute))
		time.Sleep(10 * time.Minute)
		if got := revoked.get(); !slices.Equal(got, []string{"short", "short"}) {
			t.Errorf("told of %v: the first was not forgotten", got)
		}
	})
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	f := newFixture(t)
	token := f.mustIssue(t, device)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := range 4 {
		wg.Go(func() {
			f.OnRevoke(func([]string) {})
			for j := range 200 {
				f.store.revoke(fmt.Sprint(i, j), f.clock.now(), time.Time{})
				if _, err := f.Authenticate("e17@acme", token); err != nil {
					t.Error(err)
				}
				if err := f.Start(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() { f.clock.advance(time.Second); f.mustIssue(t, device) })
	time.AfterFunc(200*time.Millisecond, cancel)
	wg.Wait()
}
