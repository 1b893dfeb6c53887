package identity_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

// memory is a store of users and tokens whose answers a test decides.
type memory struct {
	mu     sync.Mutex
	users  map[string]track.User
	tokens []track.Token
	since  []time.Time // what Revoked was asked
	err    error       // what every call returns
	hang   bool        // every call waits for its context
}

func newMemory() *memory { return &memory{users: map[string]track.User{}} }

func (m *memory) set(f func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m)
}

func (m *memory) answer(ctx context.Context) error {
	m.mu.Lock()
	hang, err := m.hang, m.err
	m.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (m *memory) AddUser(ctx context.Context, u track.User) error {
	if err := m.answer(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.users[u.Email]; ok {
		return track.ErrExists
	}
	m.users[u.Email] = u
	return nil
}

func (m *memory) User(ctx context.Context, email string) (track.User, error) {
	if err := m.answer(ctx); err != nil {
		return track.User{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[strings.ToLower(email)]
	if !ok {
		return u, track.ErrNotFound
	}
	return u, nil
}

func (m *memory) AddTokens(ctx context.Context, ts []track.Token) error {
	if err := m.answer(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = append(m.tokens, ts...)
	return nil
}

func (m *memory) RevokeTokens(context.Context, track.TokenFilter) (int, error) { return 0, nil }

// revoke adds a token that was revoked at a time.
func (m *memory) revoke(id string, at, expires time.Time) {
	m.set(func(m *memory) {
		m.tokens = append(m.tokens, track.Token{ID: id, RevokedAt: at, ExpiresAt: expires})
	})
}

func (m *memory) Revoked(ctx context.Context, since time.Time) ([]track.Token, error) {
	if err := m.answer(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = append(m.since, since)
	var revoked []track.Token
	for _, t := range m.tokens {
		if !t.RevokedAt.IsZero() && !t.RevokedAt.Before(since) {
			revoked = append(revoked, t)
		}
	}
	return revoked, nil
}

func (m *memory) IssuedTokens(context.Context, track.TokenFilter) ([]track.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens, nil
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// fixture is a service with everything around it.
type fixture struct {
	*identity.Service
	store *memory
	clock *clock
	log   *bytes.Buffer
}

var testKey = bytes.Repeat([]byte("k"), 32)

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	f := &fixture{store: newMemory(), log: &bytes.Buffer{}}
	f.clock = &clock{t: time.Date(2026, 11, 23, 10, 0, 0, 5e8, time.UTC)}
	s, err := identity.New(identity.Options{
		Store: f.store, Key: testKey, Now: f.clock.now,
		Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		tb.Fatal(err)
	}
	f.Service = s
	return f
}

func (f *fixture) mustIssue(tb testing.TB, g identity.Grant) string {
	tb.Helper()
	token, err := f.Issue(context.Background(), g)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

var device = identity.Grant{Role: track.RoleDevice, Company: "acme", Employee: "e17"}

const (
	email    = "asha@acme.example"
	password = "correct horse battery"
)

func (f *fixture) mustAddUser(tb testing.TB) {
	tb.Helper()
	u := track.User{Email: "Asha@Acme.example ", Company: "acme", Role: track.RoleManager}
	if err := f.AddUser(context.Background(), u, password); err != nil {
		tb.Fatal(err)
	}
}
