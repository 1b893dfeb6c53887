package storetest

import (
	"testing"
	"time"

	"fieldcast/track"
)

var directoryTests = []test{
	{"Directory/companies", func(t *testing.T, s suite) {
		s.must(s.AddCompany(s.ctx(), track.Company{ID: "zeta", Name: "Zeta \x00\xff GmbH", CreatedAt: noon}))
		s.must(s.AddCompany(s.ctx(), track.Company{ID: "acme"}))
		got, err := s.Companies(s.ctx())
		s.must(err)
		if len(got) != 2 || time.Since(got[0].CreatedAt).Abs() > time.Hour {
			t.Fatalf("got %+v, want acme, created now, and zeta", got)
		}
		got[0].CreatedAt = time.Time{}
		equal(t, "companies", got, []track.Company{{ID: "acme", Name: "acme"}, {ID: "zeta", Name: "Zeta \uFFFD\uFFFD GmbH", CreatedAt: noon}})
	}},
	{"Directory/company errors", func(t *testing.T, s suite) {
		s.addCompany("acme")
		wantError(t, "the same again", s.AddCompany(s.ctx(), track.Company{ID: "acme"}), track.ErrExists)
		for _, id := range []string{"", "Acme", "-a", "a b", "a\x00", "ä", "012345678901234567890123456789012"} {
			wantError(t, id, s.AddCompany(s.ctx(), track.Company{ID: id}), track.ErrInvalid)
		}
	}},
	{"Directory/employees", func(t *testing.T, s suite) {
		s.addCompany("acme", "e2", "E10", "e1", "a.b_c-d")
		s.addCompany("zeta", "e1")
		s.must(s.AddEmployees(s.ctx(), "acme", []track.Employee{{Company: "acme", ID: "x", Name: "Asha Rao", CreatedAt: noon}}))
		s.must(s.AddEmployees(s.ctx(), "acme", nil))

		got, err := s.Employees(s.ctx(), "acme")
		s.must(err)
		want := []track.Employee{}
		for _, id := range []string{"E10", "a.b_c-d", "e1", "e2"} { // by bytes, in every locale
			want = append(want, track.Employee{Company: "acme", ID: id, Name: id, CreatedAt: noon})
		}
		want = append(want, track.Employee{Company: "acme", ID: "x", Name: "Asha Rao", CreatedAt: noon})
		equal(t, "of one company", got, want)

		got, err = s.Employees(s.ctx(), "")
		s.must(err)
		equal(t, "of all", got, append(want, track.Employee{Company: "zeta", ID: "e1", Name: "e1", CreatedAt: noon}))
	}},
	{"Directory/employee errors", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		add := func(company string, ids ...string) error {
			var es []track.Employee
			for _, id := range ids {
				es = append(es, track.Employee{ID: id})
			}
			return s.AddEmployees(s.ctx(), company, es)
		}
		wantError(t, "no such company", add("nobody", "e9"), track.ErrNotFound)
		wantError(t, "no such company, nobody to add", add("nobody"), track.ErrNotFound)
		wantError(t, "there already", add("acme", "e9", "e1"), track.ErrExists)
		wantError(t, "twice in one call", add("acme", "e9", "e9"), track.ErrExists)
		wantError(t, "bad id", add("acme", "e9", "a/b"), track.ErrInvalid)
		wantError(t, "another company's", s.AddEmployees(s.ctx(), "acme", []track.Employee{{Company: "zeta", ID: "e9"}}), track.ErrInvalid)
		got, err := s.Employees(s.ctx(), "acme")
		s.must(err)
		if len(got) != 1 {
			t.Fatalf("all or none: got %+v, want e1 only", got)
		}
		_, err = s.Employees(s.ctx(), "nobody")
		wantError(t, "list of no company", err, track.ErrNotFound)
		_, err = s.Employees(s.ctx(), "a\x00\xff")
		wantError(t, "list of no company", err, track.ErrNotFound)
	}},
}

var userTests = []test{
	{"Users", func(t *testing.T, s suite) {
		s.addCompany("acme")
		want := track.User{
			Email: "asha@acme.example", Company: "acme", Role: track.RoleManager, Name: "Asha",
			PasswordHash: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", CreatedAt: noon,
		}
		add := want
		add.Email = "Asha@ACME.Example"
		s.must(s.AddUser(s.ctx(), add))
		for _, email := range []string{want.Email, "ASHA@acme.example"} {
			got, err := s.User(s.ctx(), email)
			s.must(err)
			equal(t, "user", got, want)
		}
		s.must(s.AddUser(s.ctx(), track.User{Email: "root@example.com", Role: track.RoleOperator}))
		got, err := s.User(s.ctx(), "root@example.com")
		s.must(err)
		if got.Company != "" || got.Role != track.RoleOperator || time.Since(got.CreatedAt).Abs() > time.Hour {
			t.Fatalf("operator: got %+v", got)
		}
	}},
	{"Users/errors", func(t *testing.T, s suite) {
		s.addCompany("acme")
		ok := track.User{Email: "a@b.example", Company: "acme", Role: track.RoleViewer}
		s.must(s.AddUser(s.ctx(), ok))
		for name, c := range map[string]struct {
			change func(*track.User)
			want   error
		}{
			"there already":                 {func(*track.User) {}, track.ErrExists},
			"there already, other case":     {func(u *track.User) { u.Email = "A@B.example" }, track.ErrExists},
			"no such company":               {func(u *track.User) { u.Email, u.Company = "c@d.example", "nobody" }, track.ErrNotFound},
			"no company":                    {func(u *track.User) { u.Email, u.Company = "c@d.example", "" }, track.ErrInvalid},
			"no role":                       {func(u *track.User) { u.Email, u.Role = "c@d.example", "boss" }, track.ErrInvalid},
			"no address":                    {func(u *track.User) { u.Email = "" }, track.ErrInvalid},
			"half an address":               {func(u *track.User) { u.Email = "a@" }, track.ErrInvalid},
			"an address of somebody, bytes": {func(u *track.User) { u.Email = "a@b.example\x00" }, nil},
		} {
			u := ok
			c.change(&u)
			if err := s.AddUser(s.ctx(), u); c.want != nil {
				wantError(t, name, err, c.want)
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, email := range []string{"", "x@y.example", "a\x00@b.example", "%"} {
			_, err := s.User(s.ctx(), email)
			wantError(t, email, err, track.ErrNotFound)
		}
	}},
}
