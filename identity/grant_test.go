package identity_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

func TestIssue(t *testing.T) {
	f := newFixture(t)
	issued := f.clock.now().Truncate(time.Second)
	for _, tt := range []struct {
		grant identity.Grant
		want  track.Identity
	}{
		{device, track.Identity{Subject: "e17@acme", Role: "device", Company: "acme", Employee: "e17", ExpiresAt: issued.Add(identity.DeviceTTL)}},
		{
			identity.Grant{Role: track.RoleManager, Company: "acme", Subject: "asha@acme.example", TTL: time.Minute},
			track.Identity{Subject: "asha@acme.example", Role: "manager", Company: "acme", ExpiresAt: issued.Add(time.Minute)},
		},
		{
			identity.Grant{Role: track.RoleIntegrator, Company: "acme", Topics: []string{"fc/acme/+/last", "fc/acme/_live"}},
			track.Identity{Subject: "integrator@acme", Role: "integrator", Company: "acme", Topics: []string{"fc/acme/+/last", "fc/acme/_live"}, ExpiresAt: issued.Add(identity.TokenTTL)},
		},
		{
			identity.Grant{Role: track.RoleOperator},
			track.Identity{Subject: "operator", Role: "operator", ExpiresAt: issued.Add(identity.TokenTTL)},
		},
	} {
		t.Run(string(tt.grant.Role), func(t *testing.T) {
			token := f.mustIssue(t, tt.grant)
			id, err := f.Verify(token)
			if err != nil {
				t.Fatal(err)
			}
			record := f.store.tokens[len(f.store.tokens)-1]
			if id.TokenID == "" || record.ID != id.TokenID {
				t.Errorf("token %q is recorded as %q", id.TokenID, record.ID)
			}
			if !record.ExpiresAt.Equal(id.ExpiresAt) || !record.IssuedAt.Equal(issued) || record.Role != id.Role || record.Company != id.Company || record.Employee != id.Employee {
				t.Errorf("recorded as %+v, is %+v", record, id)
			}
			if !id.ExpiresAt.Equal(tt.want.ExpiresAt) {
				t.Errorf("expires at %v, want %v", id.ExpiresAt, tt.want.ExpiresAt)
			}
			id.TokenID, id.ExpiresAt, tt.want.ExpiresAt = "", time.Time{}, time.Time{}
			if !reflect.DeepEqual(id, tt.want) {
				t.Errorf("got %+v, want %+v", id, tt.want)
			}
		})
	}
}

func TestIssueRefuses(t *testing.T) {
	f := newFixture(t)
	many := make([]string, 300)
	for i := range many {
		many[i] = fmt.Sprintf("fc/acme/employee-with-a-long-name-%d/last", i)
	}
	integrator := func(topics ...string) identity.Grant {
		return identity.Grant{Role: track.RoleIntegrator, Company: "acme", Topics: topics}
	}
	for name, g := range map[string]identity.Grant{
		"nothing":                   {},
		"unknown role":              {Role: "root", Company: "acme"},
		"manager without company":   {Role: track.RoleManager},
		"company in capitals":       {Role: track.RoleManager, Company: "ACME"},
		"device without employee":   {Role: track.RoleDevice, Company: "acme"},
		"device of a wildcard":      {Role: track.RoleDevice, Company: "acme", Employee: "+"},
		"viewer who is an employee": {Role: track.RoleViewer, Company: "acme", Employee: "e17"},
		"viewer with topics":        {Role: track.RoleViewer, Company: "acme", Topics: []string{"fc/acme/#"}},
		"negative time":             {Role: track.RoleViewer, Company: "acme", TTL: -time.Hour},
		"no time at all":            {Role: track.RoleViewer, Company: "acme", TTL: time.Nanosecond},
		"a century":                 {Role: track.RoleViewer, Company: "acme", TTL: 100 * 365 * 24 * time.Hour},
		"integrator, no topics":     integrator(),
		"everything":                integrator("#"),
		"all companies":             integrator("fc/+/+/last"),
		"other company":             integrator("fc/other/#"),
		"one of two":                integrator("fc/acme/#", "fc/other/e1/last"),
		"the server's":              integrator("$SYS/#"),
		"shared":                    integrator("$share/g/fc/acme/#"),
		"the root alone":            integrator("fc/acme"),
		"no filter":                 integrator("fc/acme/#/last"),
		"empty":                     integrator(""),
		"too many":                  integrator(many...),
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := f.Issue(context.Background(), g); !errors.Is(err, track.ErrInvalid) || token != "" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
	if len(f.store.tokens) > 0 {
		t.Errorf("recorded: %+v", f.store.tokens)
	}
}

func TestIssueNeedsTheRecord(t *testing.T) {
	f := newFixture(t)
	f.store.err = track.ErrUnavailable
	if token, err := f.Issue(context.Background(), device); !errors.Is(err, track.ErrUnavailable) || token != "" {
		t.Errorf("a token that nobody can revoke: %q, %v", token, err)
	}
	if cs, err := f.IssueDevices(context.Background(), "acme", []string{"e1"}, 0); !errors.Is(err, track.ErrUnavailable) || cs != nil {
		t.Errorf("credentials that nobody can revoke: %v, %v", cs, err)
	}
}

func TestIssueDevices(t *testing.T) {
	f := newFixture(t)
	cs, err := f.IssueDevices(context.Background(), "acme", []string{"e2", "e1", "Asha.Rao"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, employee := range []string{"e2", "e1", "Asha.Rao"} {
		c := cs[i]
		if c.Employee != employee || c.Username != employee+"@acme" || c.ClientID != "acme-"+employee {
			t.Errorf("got %+v", c)
		}
		id, err := f.Authenticate(c.Username, c.Password)
		if err != nil || id.Employee != employee || id.Company != "acme" {
			t.Errorf("%s logs in as %+v, %v", employee, id, err)
		}
	}
	if len(f.store.tokens) != 3 {
		t.Errorf("%d tokens recorded, want 3", len(f.store.tokens))
	}
	if cs, err := f.IssueDevices(context.Background(), "acme", []string{"e3", "e/4"}, 0); !errors.Is(err, track.ErrInvalid) || cs != nil {
		t.Errorf("one bad id: %v, %v", cs, err)
	}
	if len(f.store.tokens) != 3 {
		t.Error("a part was recorded")
	}
	if cs, err := f.IssueDevices(context.Background(), "acme", nil, 0); err != nil || len(cs) != 0 {
		t.Errorf("nobody: %v, %v", cs, err)
	}
}

func TestAuthenticateUsername(t *testing.T) {
	f := newFixture(t)
	phone := f.mustIssue(t, device)
	for _, name := range []string{"", "e17", "e18@acme", "e17@other", "E17@acme", "e17@acme ", "acme@e17", strings.Repeat("x", 65535)} {
		if id, err := f.Authenticate(name, phone); !errors.Is(err, identity.ErrOtherUser) || id.Role != "" {
			t.Errorf("%.20q with the token of e17: %+v, %v", name, id, err)
		}
	}
	if _, err := f.Authenticate("e17@acme", phone); err != nil {
		t.Error(err)
	}
	manager := f.mustIssue(t, identity.Grant{Role: track.RoleManager, Company: "acme"})
	for _, name := range []string{"", "anybody", "e17@acme"} {
		if _, err := f.Authenticate(name, manager); err != nil {
			t.Errorf("%q with a manager's token: %v", name, err)
		}
	}
}

// The reconnects of 100,000 phones after an outage.
func BenchmarkAuthenticate(b *testing.B) {
	f := newFixture(b)
	phone := f.mustIssue(b, device)
	for i := range 100_000 {
		f.store.revoke(fmt.Sprint(i), f.clock.now(), time.Time{})
	}
	if err := f.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Authenticate("e17@acme", phone); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssueDevices2000(b *testing.B) {
	f := newFixture(b)
	people := make([]string, 2000)
	for i := range people {
		people[i] = fmt.Sprintf("e%d", i+1)
	}
	for b.Loop() {
		f.store.tokens = nil
		if _, err := f.IssueDevices(context.Background(), "acme", people, 0); err != nil {
			b.Fatal(err)
		}
	}
}
