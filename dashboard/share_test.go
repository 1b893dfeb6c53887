package dashboard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"fieldcast/dashboard"
	"fieldcast/feed"
	"fieldcast/track"
)

type madeShare struct {
	ID, URL   string
	ExpiresAt time.Time `json:"expires_at"`
}

func (m madeShare) token(t testing.TB) string {
	t.Helper()
	_, token, ok := strings.Cut(m.URL, "/s#")
	if !ok || !regexp.MustCompile(`^fcs_[A-Za-z0-9_-]{43}$`).MatchString(token) {
		t.Fatalf("the link is %q", m.URL)
	}
	return token
}

const sharesOfAsha = "employees/e1/shares"

func (s *site) bearer(method, path, body, token string) answer {
	s.t.Helper()
	return s.do(method, path, body, header("Authorization", "Bearer "+token))
}

func (s *site) makeShare(employee string, seconds int) madeShare {
	s.t.Helper()
	return into[madeShare](s.t, s.bearer(http.MethodPost, path("acme", "employees/"+employee+"/shares"), fmt.Sprintf(`{"expires_in_s":%d,"note":"the boiler"}`, seconds), s.tokens["manager"]))
}

func TestShare(t *testing.T) {
	now := noon
	var log bytes.Buffer
	s := newSite(t, func(o *dashboard.Options) {
		o.Now, o.Logger = func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil))
	})
	made := s.makeShare("e1", 900)
	token := made.token(t)
	if !made.ExpiresAt.Equal(noon.Add(15*time.Minute)) || !strings.HasPrefix(made.URL, "http://example.com/s#") {
		t.Errorf("made %+v", made)
	}
	if text := log.String(); !strings.Contains(text, "employee=e1") || !strings.Contains(text, "by=manager@acme") || !strings.Contains(text, "until=2026-03-02T12:15") || strings.Contains(text, token) {
		t.Errorf("the log says %s", text)
	}
	listed := s.get(path("acme", sharesOfAsha), s.tokens["admin"])
	if !strings.Contains(listed.body, made.ID) || !strings.Contains(listed.body, "the boiler") || strings.Contains(listed.body, token) || strings.Contains(listed.body, "igest") {
		t.Errorf("listed: %s", listed.body)
	}

	seen := s.get("/api/v1/shared", token)
	var fields map[string]any
	if err := json.Unmarshal([]byte(seen.body), &fields); err != nil || seen.code != http.StatusOK {
		t.Fatalf("got %d %s", seen.code, seen.body)
	}
	if fields["name"] != "Asha" || fields["state"] != "live" || fields["lat"] != 13.01 || fields["seen_at"] != "2026-03-02T11:59:00Z" || fields["at"] != "2026-03-02T12:00:00Z" {
		t.Errorf("got %s", seen.body)
	}
	for field := range fields {
		if !strings.Contains("$schema name state lat lon accuracy_m seen_at at expires_at seq", field) {
			t.Errorf("%s is nobody's business", field)
		}
	}
	if seen.header.Get("Cache-Control") != "no-store" || !strings.Contains(seen.header.Get("X-Robots-Tag"), "noindex") {
		t.Errorf("headers %v", seen.header)
	}

	// The token is a capability for this and nothing else, and nothing else is a token of it.
	for _, p := range []string{path("acme", "positions"), path("acme", "employees"), path("acme", "employees/e1/fixes"), path("acme", "stream"), path("acme", sharesOfAsha)} {
		wantProblem(t, s.get(p, token), http.StatusUnauthorized, "unauthorized")
	}
	wantProblem(t, s.bearer(http.MethodPost, path("acme", sharesOfAsha), `{"expires_in_s":900}`, token), http.StatusUnauthorized, "unauthorized")
	wantProblem(t, s.get("/api/v1/shared", s.tokens["manager"]), http.StatusNotFound, "not_found")
	wantProblem(t, s.get("/api/v1/shared", ""), http.StatusNotFound, "not_found")
	wantProblem(t, s.get("/api/v1/shared?token="+token, ""), http.StatusNotFound, "not_found")

	now = noon.Add(15 * time.Minute)
	wantProblem(t, s.get("/api/v1/shared", token), http.StatusGone, "gone")
	if got := s.get(path("acme", sharesOfAsha), s.tokens["manager"]); !strings.Contains(got.body, `"shares":[]`) {
		t.Errorf("after its end: %s", got.body)
	}
}

func TestShareOfWhom(t *testing.T) {
	s := newSite(t)
	never := s.makeShare("e2", 900)
	if got := s.get("/api/v1/shared", never.token(t)); !strings.Contains(got.body, `"name":"Luca"`) || !strings.Contains(got.body, `"state":"never"`) || strings.Contains(got.body, `"lat"`) {
		t.Errorf("who has not reported: %s", got.body)
	}
	made := s.makeShare("e1", 900)
	p := s.people.all[0]
	for name, want := range map[string]string{"Dr. Rao": "Dr. Rao", "Rao, Asha": "Rao, Asha", "Asha": "Asha", "e1": "", "": ""} {
		p.Name = name
		s.people.set(8, p)
		got := into[struct{ Name string }](t, s.get("/api/v1/shared", made.token(t)))
		if got.Name != want {
			t.Errorf("%q is shown as %q, want %q", name, got.Name, want)
		}
	}
	p.State = track.StateOffShift
	s.people.set(9, p)
	if got := s.get("/api/v1/shared", made.token(t)); !strings.Contains(got.body, `"state":"off_shift"`) || strings.Contains(got.body, `"lat"`) || strings.Contains(got.body, "seen_at") {
		t.Errorf("off shift: %s", got.body)
	}
}

func TestShareRefuses(t *testing.T) {
	s := newSite(t)
	for role, want := range map[string]int{"viewer": 403, "integrator": 403, "narrow": 403, "device": 403, "manager": 200, "admin": 200} {
		if got := s.bearer(http.MethodPost, path("acme", sharesOfAsha), `{"expires_in_s":60}`, s.tokens[role]); got.code != want {
			t.Errorf("%s makes one: %d, want %d", role, got.code, want)
		}
		if got := s.get(path("acme", sharesOfAsha), s.tokens[role]); got.code != want {
			t.Errorf("%s lists them: %d, want %d", role, got.code, want)
		}
	}
	manager := s.tokens["manager"]
	for _, body := range []string{`{}`, `{"expires_in_s":59}`, `{"expires_in_s":86401}`, `{"expires_in_s":60,"note":"` + strings.Repeat("x", 121) + `"}`, `{"expires_in_s":60,"note":"a\nb"}`} {
		wantProblem(t, s.bearer(http.MethodPost, path("acme", sharesOfAsha), body, manager), http.StatusUnprocessableEntity, "invalid")
	}
	wantProblem(t, s.bearer(http.MethodPost, path("acme", "employees/e9/shares"), `{"expires_in_s":60}`, manager), http.StatusNotFound, "not_found")
	wantProblem(t, s.bearer(http.MethodPost, path("other", sharesOfAsha), `{"expires_in_s":60}`, manager), http.StatusNotFound, "not_found")
	wantProblem(t, s.get(path("acme", "employees/e9/shares"), manager), http.StatusNotFound, "not_found")

	session, err := s.ids.Login(t.Context(), "asha@acme.example", password)
	must(t, err)
	cookie := header("Cookie", "fieldcast_session="+session.Cookie)
	if got := s.do(http.MethodGet, path("acme", sharesOfAsha), "", cookie); got.code != http.StatusOK {
		t.Errorf("listed by cookie: %d", got.code)
	}
	wantProblem(t, s.do(http.MethodPost, path("acme", sharesOfAsha), `{"expires_in_s":60}`, cookie), http.StatusUnauthorized, "unauthorized")

	for range track.MaxShares - 2 { // two were made above
		s.makeShare("e1", 3600)
	}
	full := s.bearer(http.MethodPost, path("acme", sharesOfAsha), `{"expires_in_s":60}`, manager)
	wantProblem(t, full, http.StatusConflict, "conflict")
	if !strings.Contains(full.body, "revoke one first") {
		t.Errorf("got %s", full.body)
	}
}

func TestShareRevoked(t *testing.T) {
	s := newSite(t)
	made := s.makeShare("e1", 900)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.hub.Run(ctx) }()
	defer func() {
		stop()
		must(t, <-ran)
	}()
	server := httptest.NewServer(s.handler)
	defer server.Close()
	wait := func(after uint64) chan int {
		done := make(chan int, 1)
		go func() {
			r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/v1/shared?wait=50&after=%d", server.URL, after), nil)
			if err != nil {
				done <- 0
				return
			}
			r.Header.Set("Authorization", "Bearer "+made.token(t))
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				done <- 0
				return
			}
			_ = resp.Body.Close()
			done <- resp.StatusCode
		}()
		return done
	}
	until(t, "nobody watches", func() bool { return s.watching("share") == 0 })
	moved := wait(7)
	until(t, "somebody watches", func() bool { return s.watching("share") == 1 })
	p := s.people.all[0]
	p.Lat, p.Changed = 14, 8
	s.people.set(8, p)
	s.hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: 8, At: noon, Position: &p})
	if code := <-moved; code != http.StatusOK {
		t.Errorf("when the person moves: %d", code)
	}
	revoked := wait(8)
	until(t, "somebody watches again", func() bool { return s.watching("share") == 1 })
	if got := s.bearer(http.MethodDelete, path("acme", sharesOfAsha+"/"+made.ID), "", s.tokens["viewer"]); got.code != http.StatusForbidden {
		t.Errorf("a viewer revokes: %d", got.code)
	}
	if got := s.bearer(http.MethodDelete, path("acme", sharesOfAsha+"/"+made.ID), "", s.tokens["manager"]); got.code != http.StatusNoContent {
		t.Errorf("revoke: %d %s", got.code, got.body)
	}
	if code := <-revoked; code != http.StatusGone {
		t.Errorf("who waits gets %d", code)
	}
	wantProblem(t, s.get("/api/v1/shared", made.token(t)), http.StatusGone, "gone")
	wantProblem(t, s.bearer(http.MethodDelete, path("acme", sharesOfAsha+"/"+made.ID), "", s.tokens["manager"]), http.StatusNotFound, "not_found")
	http.DefaultClient.CloseIdleConnections()
}

func TestShareGuessing(t *testing.T) {
	now := noon
	s := newSite(t, func(o *dashboard.Options) { o.Now = func() time.Time { return now } })
	good := s.makeShare("e1", 3600).token(t)
	from := func(address, token string) answer {
		return s.get("/api/v1/shared", token, func(r *http.Request) { r.RemoteAddr = address })
	}
	for i := range 30 {
		if got := from("192.0.2.7:1234", fmt.Sprintf("fcs_%043d", i)); got.code != http.StatusNotFound {
			t.Fatalf("guess %d: %d", i, got.code)
		}
	}
	blocked := from("192.0.2.7:9999", good)
	wantProblem(t, blocked, http.StatusTooManyRequests, "too_many_attempts")
	if blocked.header.Get("Retry-After") != "10" {
		t.Errorf("Retry-After is %q", blocked.header.Get("Retry-After"))
	}
	if got := from("192.0.2.8:1", good); got.code != http.StatusOK {
		t.Errorf("from elsewhere: %d", got.code)
	}
	now = now.Add(11 * time.Second)
	if got := from("192.0.2.7:1", good); got.code != http.StatusOK {
		t.Errorf("later: %d", got.code)
	}
	for range 31 {
		from("[2001:db8::1]:1", "x")
	}
	if got := from("[2001:db8::2]:1", good); got.code != http.StatusTooManyRequests {
		t.Errorf("from the same network: %d", got.code)
	}
	for result, want := range map[string]float64{"answered": 2, "throttled": 3, "unknown": 60} {
		if got := s.shareReads(result); got != want {
			t.Errorf("%s: counted %v, want %v", result, got, want)
		}
	}
}

func TestSharePage(t *testing.T) {
	s := newSite(t)
	got := s.get("/s", "")
	if got.code != http.StatusOK || got.header.Get("Cache-Control") != "no-store" || !strings.Contains(got.header.Get("X-Robots-Tag"), "noindex") {
		t.Errorf("%d %v", got.code, got.header)
	}
	if got := s.get("/s/", ""); got.code != http.StatusFound || got.header.Get("Location") != "/s" {
		t.Errorf("with a slash: %d %v", got.code, got.header)
	}
}

// watching is how many are.
func (s *site) watching(kind string) int {
	families, err := s.metrics.Gather()
	must(s.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "fieldcast_http_watchers" && m.GetLabel()[0].GetValue() == kind {
				return int(m.GetGauge().GetValue())
			}
		}
	}
	return 0
}

// shareReads is how many there were with a result.
func (s *site) shareReads(result string) (n float64) {
	families, err := s.metrics.Gather()
	must(s.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "fieldcast_share_reads_total" && m.GetLabel()[0].GetValue() == result {
				n = m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never was so that %s", what)
		}
	}
}
