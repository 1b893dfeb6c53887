package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"fieldcast/dashboard"
)

const login = `{"email":"Asha@acme.example","password":"` + password + `"}`

type granted struct {
	Token, Email, Name, Role, Company string
	CompanyName                       string `json:"company_name"`
}

func TestLoginSession(t *testing.T) {
	for _, tls := range []bool{false, true} {
		s := newSite(t, func(o *dashboard.Options) { o.BehindTLS = tls })
		got := s.do(http.MethodPost, "/api/v1/login", login)
		who := into[granted](t, got)
		want := granted{Token: who.Token, Email: "asha@acme.example", Name: "Asha", Role: "manager", Company: "acme", CompanyName: "ACME Ltd"}
		if who != want {
			t.Errorf("got %+v", who)
		}
		set := got.header.Get("Set-Cookie")
		for _, flag := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
			if !strings.Contains(set, flag) {
				t.Errorf("the cookie is not %s: %s", flag, set)
			}
		}
		if strings.Contains(set, "Secure") != tls || strings.HasPrefix(set, "__Host-") != tls || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("TLS %v: cookie %s, cache %s", tls, set, got.header.Get("Cache-Control"))
		}
		cookie, _, _ := strings.Cut(set, ";")
		withCookie := header("Cookie", cookie)
		if code := s.get(path("acme", "stats"), who.Token).code; code != http.StatusOK {
			t.Errorf("the token: %d", code)
		}
		if code := s.do(http.MethodGet, path("acme", "stats"), "", withCookie).code; code != http.StatusOK {
			t.Errorf("GET with the cookie: %d", code)
		}
		_, value, _ := strings.Cut(cookie, "=")
		if code := s.get(path("acme", "stats"), value).code; code != http.StatusUnauthorized {
			t.Errorf("the cookie as a token: %d", code)
		}
		if again := into[granted](t, s.do(http.MethodPost, "/api/v1/session", "", withCookie)); again.Token == "" || again.Company != "acme" {
			t.Errorf("session: %+v", again)
		}
		for name, foreign := range map[string]func(*http.Request){
			"Sec-Fetch-Site": header("Sec-Fetch-Site", "cross-site"), "same site": header("Sec-Fetch-Site", "same-site"), "Origin": header("Origin", "https://evil.example"),
		} {
			for _, p := range []string{"login", "session", "logout"} {
				body := ""
				if p == "login" {
					body = login
				}
				if got := s.do(http.MethodPost, "/api/v1/"+p, body, withCookie, foreign); got.code != http.StatusForbidden || got.header.Get("Set-Cookie") != "" {
					t.Errorf("%s from another site (%s): %d", p, name, got.code)
				}
			}
		}
		out := s.do(http.MethodPost, "/api/v1/logout", "", withCookie, header("Sec-Fetch-Site", "same-origin"))
		if out.code >= 300 || !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("logout: %d %v", out.code, out.header)
		}
		wantProblem(t, s.do(http.MethodPost, "/api/v1/session", ""), http.StatusUnauthorized, "unauthorized")
	}
}

func TestLoginRefused(t *testing.T) {
	s := newSite(t)
	wrong := s.do(http.MethodPost, "/api/v1/login", `{"email":"asha@acme.example","password":"not the password"}`)
	wantProblem(t, wrong, http.StatusUnauthorized, "unauthorized")
	unknown := s.do(http.MethodPost, "/api/v1/login", `{"email":"nobody@acme.example","password":"not the password"}`)
	if scrub(wrong.body, "~") != scrub(unknown.body, "~") {
		t.Errorf("one can tell who exists: %s, %s", wrong.body, unknown.body)
	}
	for name, body := range map[string]string{
		"not JSON": "{", "nothing": `{}`, "a number": `{"email":1,"password":2}`, "too long": `{"email":"a@b.c","password":"` + strings.Repeat("secret", 300) + `"}`,
	} {
		got := s.do(http.MethodPost, "/api/v1/login", body)
		if got.code != http.StatusBadRequest && got.code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.code)
		}
		wantProblem(t, got, got.code, "invalid")
		if strings.Contains(got.body, "secretsecret") {
			t.Errorf("%s: the password comes back", name)
		}
	}
	wantProblem(t, s.do(http.MethodPost, "/api/v1/login", `{"email":"a@b.c","password":"`+strings.Repeat("x", 20<<10)+`"}`), http.StatusRequestEntityTooLarge, "invalid")

	var got answer
	for range 40 {
		if got = s.do(http.MethodPost, "/api/v1/login", `{"email":"asha@acme.example","password":"not the password"}`); got.code != http.StatusUnauthorized {
			break
		}
	}
	wantProblem(t, got, http.StatusTooManyRequests, "too_many_attempts")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
