package dashboard_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// FuzzQuery asks with any query: an answer of the own company, or a problem
// that is the caller's, never the server's.
func FuzzQuery(f *testing.F) {
	paths := []string{"positions", "employees/e1/fixes", "rejected", "employees", "stats"}
	for i, query := range []string{
		"after=0", "cursor=1_2&limit=2", "before=3", "", "after=99999999999999999999", "cursor=-1_-1", "cursor=x", "before=-1", "limit=0",
		"from=2026-03-02T00:00:00Z&to=1e300", "from=NaN", "from=-9e18&to=9e18", "after=%00", "limit=1&limit=x&cursor=%ff", "cursor=1_2;x=1", "company=other&employee=e2",
	} {
		f.Add(byte(i), query)
	}
	s := newSite(f)
	f.Fuzz(func(t *testing.T, which byte, query string) {
		s.t = t
		got := s.get(path("acme", paths[int(which)%len(paths)]), s.tokens["manager"], func(r *http.Request) { r.URL.RawQuery = query })
		switch {
		case got.code == http.StatusOK && (!json.Valid([]byte(got.body)) || strings.Contains(got.body, "other")):
			t.Errorf("?%q: %s", query, got.body)
		case got.code != http.StatusOK && (got.code < 400 || got.code > 499 || !strings.Contains(got.body, `"code"`)):
			t.Errorf("?%q: %d %s", query, got.code, got.body)
		}
	})
}
