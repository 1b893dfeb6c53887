package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

func (f *fixture) mustLogin(tb testing.TB) identity.Session {
	tb.Helper()
	s, err := f.Login(context.Background(), email, password)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestLoginAndAccess(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	s, err := f.Login(context.Background(), " ASHA@acme.example", password)
	if err != nil {
		t.Fatal(err)
	}
	if s.Identity.Subject != email || s.Identity.Role != track.RoleManager || s.Identity.Company != "acme" || s.Identity.TokenID != "" {
		t.Errorf("got %+v", s.Identity)
	}
	if want := f.clock.now().Truncate(time.Second).Add(identity.SessionTTL); !s.ExpiresAt.Equal(want) || !s.Identity.ExpiresAt.Equal(want) {
		t.Errorf("expires at %v, %v, want %v", s.ExpiresAt, s.Identity.ExpiresAt, want)
	}
	a, err := f.Access(context.Background(), s.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	if a.Cookie != "" {
		t.Error("a fresh cookie is renewed")
	}
	id, err := f.Authenticate("whatever", a.Token)
	if err != nil {
		t.Fatal(err)
	}
	if id.Role != track.RoleManager || id.Company != "acme" || id.Subject != email || id.TokenID == "" || id.TokenID != a.Identity.TokenID {
		t.Errorf("the token is of %+v, said %+v", id, a.Identity)
	}
	if want := f.clock.now().Truncate(time.Second).Add(identity.AccessTTL); !id.ExpiresAt.Equal(want) || !a.ExpiresAt.Equal(want) {
		t.Errorf("expires at %v, %v, want %v", id.ExpiresAt, a.ExpiresAt, want)
	}

	// One is not the other.
	if _, err := f.Verify(s.Cookie); !errors.Is(err, identity.ErrWrongAudience) {
		t.Errorf("cookie as a token: %v", err)
	}
	if _, err := f.Access(context.Background(), a.Token); !errors.Is(err, identity.ErrWrongAudience) {
		t.Errorf("token as a cookie: %v", err)
	}
	if _, err := f.Access(context.Background(), f.mustIssue(t, device)); !errors.Is(err, identity.ErrWrongAudience) {
		t.Errorf("a phone's token as a cookie: %v", err)
	}
	for _, secret := range []string{password, s.Cookie, a.Token} {
		if strings.Contains(f.log.String(), secret) {
			t.Error("a secret was logged")
		}
	}
}

func TestLoginRefuses(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	for _, tt := range []struct{ name, email, password string }{
		{"wrong password", email, "correct horse batterx"},
		{"no password", email, ""},
		{"password and more", email, password + "\x00"},
		{"nobody", "nobody@acme.example", password},
		{"nobody, no password", "nobody@acme.example", ""},
		{"huge password", email, strings.Repeat("x", 1<<20)},
		{"huge e-mail", strings.Repeat("x", 1<<20), password},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := f.Login(context.Background(), tt.email, tt.password)
			if !errors.Is(err, identity.ErrBadLogin) || !errors.Is(err, track.ErrUnauthorized) || s.Cookie != "" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whether an address exists must not show in the time of the answer.
func TestLoginTakesAsLongForNobody(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	fastest := func(email string) time.Duration {
		best := time.Hour
		for range 5 {
			begun := time.Now()
			if _, err := f.Login(context.Background(), email, "not the password"); !errors.Is(err, identity.ErrBadLogin) {
				t.Fatal(err)
			}
			best = min(best, time.Since(begun))
		}
		return best
	}
	somebody, nobody := fastest(email), fastest("nobody@acme.example")
	if somebody > 3*nobody || nobody > 3*somebody {
		t.Errorf("somebody takes %v, nobody %v", somebody, nobody)
	}
}

func TestAccessFollowsTheUser(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	s := f.mustLogin(t)
	change := func(change func(u *track.User)) {
		f.store.set(func(m *memory) {
			u := m.users[email]
			change(&u)
			m.users[email] = u
		})
	}
	change(func(u *track.User) { u.Role = track.RoleViewer })
	if a, err := f.Access(context.Background(), s.Cookie); err != nil || a.Identity.Role != track.RoleViewer {
		t.Errorf("after the role was lowered: %+v, %v", a.Identity, err)
	}
	change(func(u *track.User) { u.Role = "" })
	if _, err := f.Access(context.Background(), s.Cookie); !errors.Is(err, track.ErrUnauthorized) {
		t.Errorf("without a role: %v", err)
	}
	f.store.set(func(m *memory) { delete(m.users, email) })
	if a, err := f.Access(context.Background(), s.Cookie); !errors.Is(err, identity.ErrUserGone) || !errors.Is(err, track.ErrUnauthorized) || a.Token != "" {
		t.Errorf("after the user was removed: %v", err)
	}
}

func TestAccessWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.mustAddUser(t)
		s := f.mustLogin(t)
		for name, away := range map[string]func(m *memory){
			"unavailable": func(m *memory) { m.err = track.ErrUnavailable },
			"hanging":     func(m *memory) { m.err, m.hang = nil, true },
		} {
			f.store.set(away)
			begun := time.Now()
			a, err := f.Access(t.Context(), s.Cookie)
			if err != nil || a.Identity.Role != track.RoleManager || a.Identity.Company != "acme" {
				t.Errorf("%s: %+v, %v", name, a.Identity, err)
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			f.store.set(func(m *memory) { m.hang = false })
		}
		f.store.set(func(m *memory) { m.err = errors.New("disk I/O error") })
		if _, err := f.Access(t.Context(), s.Cookie); err == nil || errors.Is(err, track.ErrUnauthorized) {
			t.Errorf("a broken store: %v", err)
		}
		f.store.set(func(m *memory) { m.err, m.hang = nil, true })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if a, err := f.Access(ctx, s.Cookie); !errors.Is(err, context.Canceled) || a.Token != "" {
			t.Errorf("canceled: %v", err)
		}
	})
}

func TestSessionSlides(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	s := f.mustLogin(t)
	start, cookie, renewed := f.clock.now(), s.Cookie, 0
	access := func() (identity.Access, error) { return f.Access(context.Background(), cookie) }

	f.clock.advance(identity.SessionTTL/2 - time.Minute)
	if a, err := access(); err != nil || a.Cookie != "" {
		t.Errorf("in its first half: cookie %q, %v", a.Cookie, err)
	}
	for f.clock.now().Sub(start) < 40*24*time.Hour {
		f.clock.advance(time.Hour)
		a, err := access()
		if err != nil {
			if !errors.Is(err, identity.ErrExpired) {
				t.Fatal(err)
			}
			break
		}
		if a.Cookie != "" {
			renewed++
			cookie = a.Cookie
			if left := a.CookieExpiresAt.Sub(f.clock.now()); left > identity.SessionTTL || left <= 0 {
				t.Fatalf("renewed for %v", left)
			}
		}
	}
	if lived := f.clock.now().Sub(start); lived < 30*24*time.Hour || lived > 30*24*time.Hour+time.Hour {
		t.Errorf("a session in use lived %v, want 30 days", lived)
	}
	if renewed < 60 {
		t.Errorf("renewed %d times", renewed)
	}

	unused := f.mustLogin(t)
	f.clock.advance(identity.SessionTTL)
	if _, err := f.Access(context.Background(), unused.Cookie); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("unused for 12 hours: %v", err)
	}
}

func TestLoginWhileTheStoreIsAway(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	f.store.err = track.ErrUnavailable
	for range 50 { // more than may fail: these are no failures of the user
		if _, err := f.Login(context.Background(), email, password); !errors.Is(err, track.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	f.store.err = nil
	f.mustLogin(t)
}
