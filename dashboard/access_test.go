package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"fieldcast/track"
)

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
