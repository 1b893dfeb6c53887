package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fieldcast/track"
)

// Roles that a route is for.
var (
	readers  = []track.Role{track.RoleViewer, track.RoleManager, track.RoleAdmin, track.RoleIntegrator, track.RoleOperator}
	managers = []track.Role{track.RoleManager, track.RoleAdmin, track.RoleOperator}
	anybody  []track.Role // what is not about a company
)

// routes says who may use which route of the OpenAPI document. A route that is
// not here fails the test: say first who it is for.
var routes = map[string][]track.Role{
	"POST /api/v1/login":                                                  anybody,
	"POST /api/v1/session":                                                anybody,
	"POST /api/v1/logout":                                                 anybody,
	"GET /api/v1/settings":                                                anybody,
	"GET /api/v1/companies/{company}/positions":                           readers,
	"GET /api/v1/companies/{company}/stream":                              readers,
	"GET /api/v1/companies/{company}/employees":                           readers,
	"GET /api/v1/companies/{company}/employees/{employee}/fixes":          readers,
	"GET /api/v1/companies/{company}/employees/{employee}/days":           readers,
	"GET /api/v1/companies/{company}/employees/{employee}/track":          readers,
	"GET /api/v1/companies/{company}/employees/{employee}/export":         readers,
	"GET /api/v1/companies/{company}/employees/{employee}/shares":         managers,
	"POST /api/v1/companies/{company}/employees/{employee}/shares":        managers,
	"DELETE /api/v1/companies/{company}/employees/{employee}/shares/{id}": managers,
	"GET /api/v1/shared":                                                  anybody, // whose token is that of a link
	"GET /api/v1/companies/{company}/stats":                               readers,
	"GET /api/v1/companies/{company}/rejected":                            managers,
}

// bodies are what is sent to routes that want something.
var bodies = map[string]string{
	"POST /api/v1/companies/{company}/employees/{employee}/shares": `{"expires_in_s":60}`,
}

// seesPerson: an integrator knows of those people only whose last-known
// position it may receive.
func (w who) seesPerson(company, employee string) bool {
	return w.sees("fc/" + company + "/" + employee + "/last")
}

// streamed is how long a stream is read: its present state comes at once.
const streamed = 250 * time.Millisecond

// request asks as somebody. A stream, which has no end, is read for a moment.
func (w *world) request(p who, method, path, body string) (code int, answer string, header http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.HTTP+path, strings.NewReader(body))
	must(w.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Last-Event-ID", "0") // for a stream: all that has changed
	switch {
	case p.cookie != "":
		req.Header.Set("Cookie", p.cookie)
	case p.token != "":
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		stop := time.AfterFunc(streamed, func() { _ = resp.Body.Close() })
		defer stop.Stop()
	}
	var b bytes.Buffer
	_, _ = io.Copy(&b, resp.Body) // a stream is cut
	return resp.StatusCode, b.String(), resp.Header
}

// documented lists the routes of the OpenAPI document.
func (w *world) documented(t *testing.T) (all []string) {
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	w.get("/api/openapi.json", "", &doc)
	for path, methods := range doc.Paths {
		for method := range methods {
			if slices.Contains([]string{"get", "post", "put", "patch", "delete", "head", "options"}, method) {
				all = append(all, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, route := range all {
		if _, ok := routes[route]; !ok {
			t.Errorf("%s has no expectation: add to routes who it is for", route)
		}
	}
	for route := range routes {
		if !slices.Contains(all, route) {
			t.Errorf("%s is not in the OpenAPI document any more", route)
		}
	}
	slices.Sort(all)
	return all
}

// requests asks every route as everybody, for each company and one that is not
// there.
func (w *world) requests(t *testing.T, sessions []who) {
	for _, route := range w.documented(t) {
		method, pattern, _ := strings.Cut(route, " ")
		for _, p := range slices.Concat(w.people, w.fakes, sessions) {
			if !strings.Contains(pattern, "{company}") {
				if code, body, _ := w.request(p, method, pattern, ""); code >= 500 || w.anyMark(body) {
					t.Errorf("%s %s: %d %s", p.name, route, code, body)
				}
				continue
			}
			answers := map[string]string{}
			for _, company := range []string{"acme", "other", "none"} {
				path := strings.NewReplacer("{company}", company, "{employee}", "e1", "{id}", "none").Replace(pattern)
				code, body, _ := w.request(p, method, path, bodies[route])
				answers[company] = scrub([]byte(body), company)
				want := p.answered(company, routes[route])
				if p.cookie != "" && method != "GET" { // which another site could send along
					want = 401
				}
				if want == 200 && strings.Contains(pattern, "{id}") { // there is none
					want = 404
				}
				if want == 200 && strings.Contains(pattern, "{employee}") && !p.seesPerson(company, "e1") {
					want = 404
				}
				if p.role == track.RoleOperator && company == "none" { // who may see that there is none
					continue
				}
				if code != want {
					t.Errorf("%s %s of %s: %d, want %d: %.300s", p.name, route, company, code, want, body)
				}
				if want == 200 && strings.HasSuffix(pattern, "/stream") && p.role == track.RoleManager && !w.anyMark(body) {
					t.Errorf("%s %s of %s reads nothing: %q", p.name, route, company, body)
				}
				if want != 200 && w.anyMark(body) || p.foreignMark(body) {
					t.Errorf("%s %s of %s reads where somebody is: %s", p.name, route, company, body)
				}
			}
			for _, company := range []string{"acme", "other"} {
				if p.role != track.RoleOperator && (p.company != company || !p.valid) && answers[company] != answers["none"] {
					t.Errorf("%s can tell that %s exists: %s, but of none: %s", p.name, company, answers[company], answers["none"])
				}
			}
		}
	}
}

func (w *world) anyMark(body string) bool { return who{}.foreignMark(body) }

// logins: the session of a browser is what its user is, and what is refused
// does not tell who exists.
func (w *world) logins(t *testing.T) (sessions []who) {
	login := func(email, password string) (int, string, http.Header) {
		body, err := json.Marshal(map[string]string{"email": email, "password": password})
		must(t, err)
		return w.request(who{}, "POST", "/api/v1/login", string(body))
	}
	for company := range marks {
		code, body, header := login("boss@"+company+".example", userPassword)
		cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
		if code != 200 || cookie == "" || !strings.Contains(body, `"company":"`+company+`"`) {
			t.Fatalf("login at %s: %d %s", company, code, body)
		}
		var access struct{ Token string }
		must(t, json.Unmarshal([]byte(body), &access))
		boss := who{name: "the boss of " + company, role: track.RoleManager, company: company, valid: true}
		byCookie, byToken := boss, boss
		byCookie.name, byCookie.cookie = boss.name+" by cookie", cookie
		byToken.token = access.Token
		sessions = append(sessions, byCookie, byToken)
	}
	broken := sessions[0]
	broken.name, broken.valid, broken.cookie = "a cookie that was changed", false, broken.cookie[:len(broken.cookie)-5]+"AAAAA"
	sessions = append(sessions, broken)

	fastest := map[string]time.Duration{}
	refusals := map[string]string{}
	for _, email := range []string{"boss@acme.example", "nobody@acme.example"} {
		fastest[email] = time.Hour
		for range 4 {
			begun := time.Now()
			code, body, _ := login(email, "not the password")
			fastest[email] = min(fastest[email], time.Since(begun))
			refusals[email] = scrub([]byte(body), email)
			if code != 401 {
				t.Errorf("%s with a wrong password: %d %s", email, code, body)
			}
		}
	}
	a, b := fastest["boss@acme.example"], fastest["nobody@acme.example"]
	if a > 3*b || b > 3*a || refusals["boss@acme.example"] != refusals["nobody@acme.example"] {
		t.Errorf("who exists shows: %v %s, who does not: %v %s", a, refusals["boss@acme.example"], b, refusals["nobody@acme.example"])
	}
	return sessions
}

// origins: a page of another site cannot open the web socket.
func (w *world) origins(t *testing.T) {
	for origin, want := range map[string]int{"": 101, "http://" + w.HTTP: 101, "https://evil.example": 403, "null": 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.HTTP+"/mqtt", nil)
		must(t, err)
		for key, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
			"Sec-WebSocket-Protocol": "mqtt", "Origin": origin,
		} {
			if value != "" {
				req.Header.Set(key, value)
			}
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		must(t, err)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("origin %q: %d, want %d", origin, resp.StatusCode, want)
		}
	}
}
