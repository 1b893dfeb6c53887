package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

// Who may read what of the own company; everything else is refused.
// v(iewer) m(anager) a(dmin) i(ntegrator) n(arrow integrator) d(evice)
var reads = []struct{ path, allowed string }{
	{"positions", "vmain"},
	{"positions?after=0", "vmain"},
	{"employees", "vmain"},
	{"employees/e1/fixes", "vmai"},
	{"stats", "vmain"},
	{"rejected", "ma"},
}

var letters = map[string]string{"v": "viewer", "m": "manager", "a": "admin", "i": "integrator", "n": "narrow", "d": "device"}

func TestAccess(t *testing.T) {
	s := newSite(t)
	for _, tt := range reads {
		for letter, role := range letters {
			token := s.tokens[role]
			got := s.get(path("acme", tt.path), token)
			if allowed := strings.Contains(tt.allowed, letter); allowed != (got.code == http.StatusOK) {
				t.Errorf("%s GETs %s: %d %s", role, tt.path, got.code, got.body)
			}
			// Another company is as if it were not there.
			foreign, missing := s.get(path("other", tt.path), token), s.get(path("none", tt.path), token)
			if foreign.code != http.StatusNotFound || foreign.code != missing.code || scrub(foreign.body, "other") != scrub(missing.body, "none") {
				t.Errorf("%s GETs %s of another company: %d %s, of none: %d %s", role, tt.path, foreign.code, foreign.body, missing.code, missing.body)
			}
		}
		operator, err := s.ids.Issue(t.Context(), identity.Grant{Role: track.RoleOperator, TTL: time.Hour})
		if err == nil {
			if got := s.get(path("acme", tt.path), operator); got.code != http.StatusOK {
				t.Errorf("operator GETs %s: %d", tt.path, got.code)
			}
		}
		for name, token := range map[string]string{"nobody": "", "junk": "x.y.z", "a cut token": s.tokens["manager"][:40]} {
			got := s.get(path("acme", tt.path), token)
			wantProblem(t, got, http.StatusUnauthorized, "unauthorized")
			if missing := s.get(path("none", tt.path), token); scrub(missing.body, "none") != scrub(got.body, "acme") {
				t.Errorf("%s can tell that acme exists", name)
			}
		}
	}
}

// scrub removes what may differ: the name asked for, and the request's id.
func scrub(body, company string) string {
	body = strings.ReplaceAll(body, company, "COMPANY")
	before, after, _ := strings.Cut(body, `"request_id":"`)
	_, after, _ = strings.Cut(after, `"`)
	return before + after
}

// An integrator sees those people that its token lists.
func TestIntegratorSeesItsTopics(t *testing.T) {
	s := newSite(t)
	if got := s.get(path("acme", "positions"), s.tokens["narrow"]); strings.Contains(got.body, "e1") {
		t.Errorf("positions: %s", got.body)
	}
	if got := s.get(path("acme", "employees"), s.tokens["narrow"]); strings.Contains(got.body, "Asha") || !strings.Contains(got.body, "Luca") {
		t.Errorf("employees: %s", got.body)
	}
	wantProblem(t, s.get(path("acme", "employees/e1/fixes"), s.tokens["narrow"]), http.StatusNotFound, "not_found")
	if got := s.get(path("acme", "positions"), s.tokens["integrator"]); !strings.Contains(got.body, "e1") {
		t.Errorf("positions: %s", got.body)
	}
}

func TestRevokedToken(t *testing.T) {
	s := newSite(t)
	if _, err := s.store.RevokeTokens(t.Context(), track.TokenFilter{Company: "acme"}); err != nil {
		t.Fatal(err)
	}
	must(t, s.ids.Start(t.Context()))
	wantProblem(t, s.get(path("acme", "stats"), s.tokens["manager"]), http.StatusUnauthorized, "unauthorized")
}
