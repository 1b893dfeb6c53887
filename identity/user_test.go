package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"fieldcast/identity"
	"fieldcast/track"
)

func TestAddUser(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	u := f.store.users[email]
	if !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(u.PasswordHash, password) {
		t.Errorf("hash is %q", u.PasswordHash)
	}
	again := track.User{Email: email, Company: "acme", Role: track.RoleViewer}
	if err := f.AddUser(context.Background(), again, password); !errors.Is(err, track.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	other := track.User{Email: "b@acme.example", Company: "acme", Role: track.RoleViewer}
	if err := f.AddUser(context.Background(), other, password); err != nil {
		t.Fatal(err)
	}
	if f.store.users["b@acme.example"].PasswordHash == u.PasswordHash {
		t.Error("the same password has the same hash: no salt")
	}
}

func TestAddUserRefuses(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		name, email, company string
		role                 track.Role
		password, want       string
	}{
		{"no e-mail", "", "acme", "manager", password, "email"},
		{"no at", "asha", "acme", "manager", password, "email"},
		{"with a name", "Asha <asha@acme.example>", "acme", "manager", password, "email"},
		{"two", "a@b.example, c@d.example", "acme", "manager", password, "email"},
		{"line break", "a@b.example\nBcc: c@d.example", "acme", "manager", password, "email"},
		{"long", strings.Repeat("a", 250) + "@b.example", "acme", "manager", password, "email"},
		{"bad company", email, "Acme", "manager", password, "company"},
		{"no company", email, "", "manager", password, "company"},
		{"device", email, "acme", "device", password, "role"},
		{"operator", email, "acme", "operator", password, "role"},
		{"no role", email, "acme", "", password, "role"},
		{"short", email, "acme", "manager", "123456789", "at least 10 characters"},
		{"short in letters", email, "acme", "manager", "ééééééééé", "at least 10 characters"},
		{"long password", email, "acme", "manager", strings.Repeat("x", 1025), "longer than 1024 bytes"},
		{"no text", email, "acme", "manager", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6", "UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := f.AddUser(context.Background(), track.User{Email: tt.email, Company: tt.company, Role: tt.role}, tt.password)
			if !errors.Is(err, track.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v", err)
			}
			if len(tt.password) > 8 && strings.Contains(err.Error(), tt.password) {
				t.Errorf("the message holds the password: %v", err)
			}
		})
	}
	if len(f.store.users) > 0 {
		t.Error("somebody was added")
	}
	for _, p := range []string{"ten chars!", strings.Repeat("x", 1024), "पासवर्ड लंबा"} {
		if err := identity.CheckPassword(p); err != nil {
			t.Errorf("%.20q: %v", p, err)
		}
	}
}

// A hash in the database that costs too much, or is none, harms nobody.
func TestLoginWithABadHash(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	fine := f.store.users[email].PasswordHash
	for name, hash := range map[string]string{
		"plain text":    password,
		"bcrypt":        "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"much memory":   strings.Replace(fine, "m=19456", "m=4294967295", 1),
		"no memory":     strings.Replace(fine, "m=19456", "m=0", 1),
		"many passes":   strings.Replace(fine, "t=2", "t=4294967295", 1),
		"no passes":     strings.Replace(fine, "t=2", "t=0", 1),
		"no lanes":      strings.Replace(fine, "p=1", "p=0", 1),
		"negative":      strings.Replace(fine, "t=2", "t=-2", 1),
		"more after it": strings.Replace(fine, "p=1", "p=1,x=2", 1),
		"argon2i":       strings.Replace(fine, "argon2id", "argon2i", 1),
		"other version": strings.Replace(fine, "v=19", "v=16", 1),
		"no sum":        fine[:strings.LastIndex(fine, "$")+1],
		"cut":           fine[:len(fine)-30],
		"not base64":    fine[:len(fine)-1] + "!",
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			f.store.set(func(m *memory) {
				m.users[email] = track.User{Email: email, Company: "acme", Role: "manager", PasswordHash: hash}
			})
			s, err := f.Login(context.Background(), email, password)
			if err == nil || s.Cookie != "" {
				t.Fatal("logged in")
			}
			if len(hash) > 0 && strings.Contains(err.Error(), hash) {
				t.Errorf("the message holds the hash: %v", err)
			}
		})
	}
}

func TestManyLoginsAtOnce(t *testing.T) {
	f := newFixture(t)
	f.mustAddUser(t)
	var wg sync.WaitGroup
	for range 10 { // as many as may be under way for one account
		wg.Go(func() {
			if _, err := f.Login(context.Background(), email, password); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := f.Login(ctx, email, password); err == nil && s.Cookie == "" {
		t.Errorf("canceled: %v", err)
	}
}

func BenchmarkLogin(b *testing.B) {
	f := newFixture(b)
	f.mustAddUser(b)
	for b.Loop() {
		f.mustLogin(b)
	}
}
