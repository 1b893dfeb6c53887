package enrol_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/store/sqlite"
	"fieldcast/track"
)

var key = []byte(strings.Repeat("k", 32))

// newDesk is a desk with a company acme.
func newDesk(t *testing.T) (enrol.Desk, *identity.Service) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "fieldcast.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	ids, err := identity.New(identity.Options{Store: store, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	desk := enrol.Desk{Store: store, Issuer: ids}
	if err := desk.AddCompany(t.Context(), "acme", "Acme Ltd"); err != nil {
		t.Fatal(err)
	}
	return desk, ids
}

func TestAddCompany(t *testing.T) {
	desk, _ := newDesk(t)
	for id, want := range map[string]error{"acme": track.ErrExists, "Acme": track.ErrInvalid, "": track.ErrInvalid, "a/b": track.ErrInvalid} {
		if err := desk.AddCompany(t.Context(), id, ""); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", id, err, want)
		}
	}
	if err := desk.AddCompany(t.Context(), "beta", "line\nbreak"); !errors.Is(err, track.ErrInvalid) {
		t.Errorf("a name of two lines: %v", err)
	}
	if err := desk.AddCompany(t.Context(), "beta", ""); err != nil {
		t.Fatal(err)
	}
	all, err := desk.Companies(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "Acme Ltd" || all[1].Name != "beta" {
		t.Errorf("got %+v, %v", all, err)
	}
	if err := desk.CheckCompany(t.Context(), "beta"); err != nil {
		t.Error(err)
	}
	var missing *enrol.MissingError
	if err := desk.CheckCompany(t.Context(), "gamma"); !errors.As(err, &missing) || missing.Company != "gamma" || !errors.Is(err, track.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestAddEmployee(t *testing.T) {
	desk, ids := newDesk(t)
	c, err := desk.AddEmployee(t.Context(), "acme", "e17", "Asha Rao")
	if err != nil {
		t.Fatal(err)
	}
	if c.ClientID != "acme-e17" || c.Username != "e17@acme" {
		t.Errorf("got %+v", c)
	}
	if id, err := ids.Authenticate(c.Username, c.Password); err != nil || id.Employee != "e17" {
		t.Errorf("the phone logs in as %+v, %v", id, err)
	}
	people, err := desk.Employees(t.Context(), "acme")
	if err != nil || len(people) != 1 || people[0].Name != "Asha Rao" {
		t.Errorf("got %+v, %v", people, err)
	}

	var missing *enrol.MissingError
	if _, err := desk.AddEmployee(t.Context(), "nobody", "e1", ""); !errors.As(err, &missing) || missing.Company != "nobody" {
		t.Errorf("without the company: %v", err)
	}
	var taken *enrol.TakenError
	if _, err := desk.AddEmployee(t.Context(), "acme", "e17", ""); !errors.As(err, &taken) || taken.Employee != "e17" {
		t.Errorf("twice: %v", err)
	}
	for _, bad := range []string{"", "+", "#", "e/17", "_live", "e 17", strings.Repeat("e", 65)} {
		if _, err := desk.AddEmployee(t.Context(), "acme", bad, ""); !errors.Is(err, track.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := desk.AddEmployee(t.Context(), "acme", "e18", strings.Repeat("é", 201)); !errors.Is(err, track.ErrInvalid) {
		t.Errorf("a long name: %v", err)
	}
}

func TestSetTeam(t *testing.T) {
	desk, _ := newDesk(t)
	if _, err := desk.Add(t.Context(), "acme", []track.Employee{{ID: "e1", Team: "North"}, {ID: "e2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.AddEmployee(t.Context(), "acme", "e3", ""); err != nil {
		t.Fatal(err)
	}
	teams := func() (all string) {
		people, err := desk.Employees(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			all += p.ID + ":" + p.Team + " "
		}
		return all
	}
	if err := desk.SetTeam(t.Context(), "acme", []string{"e2", "e3"}, " north"); err != nil {
		t.Fatal(err)
	}
	if got := teams(); got != "e1:North e2:North e3:North " {
		t.Errorf("got %s", got)
	}
	for name, tt := range map[string]struct {
		company, employee, team string
		want                    error
	}{
		"no such person":  {"acme", "e9", "South", track.ErrNotFound},
		"no such company": {"none", "e1", "South", track.ErrNotFound},
		"bad id":          {"acme", "e/1", "South", track.ErrInvalid},
		"bad name":        {"acme", "e1", "a\nb", track.ErrInvalid},
	} {
		if err := desk.SetTeam(t.Context(), tt.company, []string{"e1", tt.employee}, tt.team); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if got := teams(); got != "e1:North e2:North e3:North " {
		t.Errorf("all or none: got %s", got)
	}
}

func TestAddMany(t *testing.T) {
	desk, _ := newDesk(t)
	cs, err := desk.AddMany(t.Context(), "acme", "e", 2000, "North")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cs {
		if want := fmt.Sprintf("e%d", i+1); c.Employee != want {
			t.Fatalf("number %d is %s, want %s", i, c.Employee, want)
		}
	}
	people, err := desk.Employees(t.Context(), "acme")
	if err != nil || len(people) != 2000 {
		t.Errorf("%d people, %v", len(people), err)
	}

	// All or none.
	var taken *enrol.TakenError
	if _, err := desk.Add(t.Context(), "acme", []track.Employee{{ID: "new1"}, {ID: "e5"}}); !errors.As(err, &taken) || taken.Employee != "e5" {
		t.Errorf("got %v", err)
	}
	if people, err = desk.Employees(t.Context(), "acme"); err != nil || len(people) != 2000 {
		t.Errorf("%d people afterwards, %v", len(people), err)
	}
	for _, n := range []int{0, -1, enrol.MaxPeople + 1} {
		if _, err := desk.AddMany(t.Context(), "acme", "x", n, ""); !errors.Is(err, track.ErrInvalid) {
			t.Errorf("%d people: %v", n, err)
		}
	}
	for _, prefix := range []string{"_", "a/", " "} {
		if _, err := desk.AddMany(t.Context(), "acme", prefix, 2, ""); !errors.Is(err, track.ErrInvalid) {
			t.Errorf("prefix %q: %v", prefix, err)
		}
	}
	if cs, err := desk.AddMany(t.Context(), "acme", "", 1, ""); err != nil || cs[0].Employee != "1" {
		t.Errorf("no prefix: %+v, %v", cs, err)
	}
}

func TestRevoke(t *testing.T) {
	desk, ids := newDesk(t)
	first, err := desk.AddEmployee(t.Context(), "acme", "e17", "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := desk.AddEmployee(t.Context(), "acme", "e18", "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := desk.Reissue(t.Context(), "acme", "e17")
	if err != nil {
		t.Fatal(err)
	}
	if second.ClientID != first.ClientID || second.Password == first.Password {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if err := ids.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Authenticate(first.Username, first.Password); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("the first credentials: %v", err)
	}
	for _, c := range []identity.Credential{second, other} {
		if _, err := ids.Authenticate(c.Username, c.Password); err != nil {
			t.Errorf("%s: %v", c.Employee, err)
		}
	}
	for i, want := range []int{1, 0} {
		if n, err := desk.Revoke(t.Context(), "acme", "e17"); err != nil || n != want {
			t.Errorf("revoke %d: got %d, %v, want %d", i, n, err, want)
		}
	}
	var missing *enrol.MissingError
	if _, err := desk.Revoke(t.Context(), "acme", "e99"); !errors.As(err, &missing) || missing.Employee != "e99" {
		t.Errorf("nobody: %v", err)
	}
	if _, err := desk.Reissue(t.Context(), "beta", "e17"); !errors.As(err, &missing) || missing.Company != "beta" || missing.Employee != "" {
		t.Errorf("no company: %v", err)
	}
	// A filter without fields would select everybody.
	if _, err := desk.Revoke(t.Context(), "acme", ""); !errors.Is(err, track.ErrInvalid) {
		t.Errorf("no employee: %v", err)
	}
	if _, err := desk.Revoke(t.Context(), "", ""); !errors.Is(err, track.ErrInvalid) {
		t.Errorf("nothing: %v", err)
	}
}

type brokenIssuer struct{}

func (brokenIssuer) IssueDevices(context.Context, string, []string, time.Duration) ([]identity.Credential, error) {
	return nil, track.ErrUnavailable
}

func TestAddWithoutCredentials(t *testing.T) {
	desk, ids := newDesk(t)
	desk.Issuer = brokenIssuer{}
	_, err := desk.AddEmployee(t.Context(), "acme", "e17", "")
	if !errors.Is(err, enrol.ErrNoCredentials) || !errors.Is(err, track.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	desk.Issuer = ids
	if c, err := desk.Reissue(t.Context(), "acme", "e17"); err != nil || c.Password == "" {
		t.Errorf("later: %v", err)
	}
}

func TestImport(t *testing.T) {
	desk, _ := newDesk(t)
	cs, err := desk.Import(t.Context(), "acme", strings.NewReader("name,id\nAsha Rao,e1\n\"Rao, Ben\",e2\n"))
	if err != nil || len(cs) != 2 || cs[0].Employee != "e1" || cs[1].Employee != "e2" {
		t.Fatalf("got %+v, %v", cs, err)
	}
	_, err = desk.Import(t.Context(), "acme", strings.NewReader("id,name\ne3,Cem\ne2,Ben\n"))
	if !errors.Is(err, track.ErrExists) || !strings.Contains(err.Error(), "line 3: e2 exists already") {
		t.Errorf("got %v", err)
	}
	var missing *enrol.MissingError
	if _, err = desk.Import(t.Context(), "beta", strings.NewReader("id,name\ne3,Cem\n")); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	people, err := desk.Employees(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = p.ID + " " + p.Name
	}
	if !slices.Equal(names, []string{"e1 Asha Rao", "e2 Rao, Ben"}) {
		t.Errorf("got %q", names)
	}
}
