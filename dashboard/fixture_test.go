package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"fieldcast/dashboard"
	"fieldcast/feed"
	"fieldcast/identity"
	"fieldcast/store/sqlite"
	"fieldcast/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "a long enough password"

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// site is the dashboard over a real store and real identities, with a table of
// people that the test sets.
type site struct {
	t       testing.TB
	handler http.Handler
	store   *sqlite.Store
	ids     *identity.Service
	people  *people
	hub     *feed.Hub
	mqtt    int // requests at /mqtt
	ready   error
	metrics *prometheus.Registry
	tokens  map[string]string // role to token of acme
}

func newSite(t testing.TB, change ...func(*dashboard.Options)) *site {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{Logger: quiet})
	must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	key, err := identity.LoadKey(t.TempDir())
	must(t, err)
	ids, err := identity.New(identity.Options{Store: store, Key: key, Logger: quiet})
	must(t, err)
	s := &site{t: t, store: store, ids: ids, people: &people{}, hub: feed.NewHub(feed.Options{Window: 5 * time.Millisecond}), metrics: prometheus.NewRegistry(), tokens: map[string]string{}}
	o := dashboard.Options{
		Store: store, People: s.people, Changes: s.hub, Identities: ids, Logger: quiet, Registerer: s.metrics, Version: "test",
		MQTT:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.mqtt++ }),
		Ready: []dashboard.Check{{Name: "journal", Status: func() error { return s.ready }}, {Name: "broker", Status: func() error { return nil }}},
		Now:   func() time.Time { return noon },
	}
	for _, c := range change {
		c(&o)
	}
	s.handler, err = dashboard.New(o)
	must(t, err)
	s.fill()
	return s
}

// fill makes two companies with a manager and people each.
func (s *site) fill() {
	ctx := context.Background()
	for _, company := range []string{"acme", "other"} {
		must(s.t, s.store.AddCompany(ctx, track.Company{ID: company, Name: strings.ToUpper(company) + " Ltd"}))
		must(s.t, s.store.AddEmployees(ctx, company, []track.Employee{{ID: "e1", Name: "Asha Rao"}, {ID: "e2", Name: "Luca Rossi"}}))
	}
	must(s.t, s.ids.AddUser(ctx, track.User{Email: "asha@acme.example", Company: "acme", Role: track.RoleManager, Name: "Asha"}, password))
	fixes := make([]track.Fix, 5)
	for i := range fixes {
		at := noon.Add(time.Duration(i-5) * time.Minute)
		fixes[i] = track.Fix{Company: "acme", Employee: "e1", Lat: 12.97 + float64(i)/100, Lon: 77.59, RecordedAt: at, ReceivedAt: at, Seq: uint64(i + 1)}.Round()
	}
	_, err := s.store.Commit(ctx, track.Batch{Through: 6, Fixes: fixes, Rejected: []track.Rejection{{
		Company: "acme", Employee: "e1", Topic: "fc/acme/e1", Reason: track.ReasonNotJSON, Detail: "this is no JSON", Payload: []byte("\x00\xffjunk <b>"), Size: 9, ReceivedAt: noon, Seq: 6,
	}}})
	must(s.t, err)
	s.people.set(7, track.Position{Fix: fixes[4], Name: "Asha Rao", State: track.StateLive, Presence: track.Online, PresenceSince: track.Some(noon), Changed: 7})
	for role, g := range map[string]identity.Grant{
		"viewer": {Role: track.RoleViewer}, "manager": {Role: track.RoleManager}, "admin": {Role: track.RoleAdmin},
		"device":     {Role: track.RoleDevice, Employee: "e1"},
		"integrator": {Role: track.RoleIntegrator, Topics: []string{"fc/acme/+/last"}},
		"narrow":     {Role: track.RoleIntegrator, Topics: []string{"fc/acme/e2/last"}},
	} {
		g.Company, g.TTL = "acme", time.Hour
		if s.tokens[role], err = s.ids.Issue(ctx, g); err != nil {
			s.t.Fatal(err)
		}
	}
}

// answer is what a request brought.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (s *site) do(method, path, body string, change ...func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	if strings.HasSuffix(r.URL.Path, "/stream") { // else it would not end
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		r = r.WithContext(ctx)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	must(s.t, err)
	return answer{w.Code, w.Result().Header, string(b)}
}

// get asks as the owner of a token.
func (s *site) get(path, token string, change ...func(*http.Request)) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, "", append(change, func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	})...)
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// into reads a JSON answer of 200.
func into[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if a.code != http.StatusOK {
		t.Fatalf("got %d %s", a.code, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// wantProblem checks an error's shape.
func wantProblem(t testing.TB, a answer, status int, code string) {
	t.Helper()
	var p struct {
		Status              int
		Title, Detail, Code string
		RequestID           string `json:"request_id"`
	}
	err := json.Unmarshal([]byte(a.body), &p)
	if a.code != status || p.Status != status || p.Code != code || p.RequestID == "" || p.Title == "" || err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %s, want problem %d %s", a.code, a.header.Get("Content-Type"), a.body, status, code)
	}
}

// people is a table of last-known positions with one company in it.
type people struct {
	mu  sync.Mutex
	seq uint64
	all []track.Position
}

func (p *people) set(seq uint64, all ...track.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq, p.all = seq, all
}

func (p *people) Positions(company string) (out []track.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.all {
		if q.Company == company {
			out = append(out, q)
		}
	}
	return out
}

func (p *people) Position(company, employee string) (track.Position, bool) {
	for _, q := range p.Positions(company) {
		if q.Employee == employee {
			return q, true
		}
	}
	return track.Position{}, false
}

func (p *people) Presence(company string) map[string]track.Presence {
	out := map[string]track.Presence{}
	for _, q := range p.Positions(company) {
		out[q.Employee] = track.Presence{State: q.Presence, Since: q.PresenceSince.Value}
	}
	return out
}

func (p *people) After(company string, seq uint64) (changed []track.Position, now uint64, ok bool) {
	now = p.Seq(company)
	if seq > now {
		return nil, now, false
	}
	for _, q := range p.Positions(company) {
		if q.Changed > seq {
			changed = append(changed, q)
		}
	}
	return changed, now, true
}

func (p *people) Seq(string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

var errDown = errors.New("down")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// away makes the database unavailable.
func (s *site) away() { must(s.t, s.store.Close()) }

func path(company, rest string) string { return fmt.Sprintf("/api/v1/companies/%s/%s", company, rest) }
