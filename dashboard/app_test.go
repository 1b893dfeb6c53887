package dashboard_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"fieldcast/dashboard"
)

func TestApp(t *testing.T) {
	s := newSite(t)
	for _, p := range []string{"/", "/live", "/people/e17"} {
		got := s.get(p, "")
		if got.code != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || got.header.Get("Cache-Control") != "no-cache" || !strings.Contains(got.body, "Fieldcast") {
			t.Errorf("%s: %d %v", p, got.code, got.header)
		}
		if again := s.get(p, "", header("If-None-Match", got.header.Get("ETag"))); again.code != http.StatusNotModified {
			t.Errorf("%s with its ETag: %d", p, again.code)
		}
	}
	for _, p := range []string{"/assets/missing.js", "/favicon.ico", "/api/v1/nothing", "/api/"} {
		if got := s.get(p, ""); got.code != http.StatusNotFound {
			t.Errorf("%s: %d", p, got.code)
		}
	}
	if _, err := os.Stat("static/app/index.html"); err != nil {
		if got := s.get("/", ""); !strings.Contains(got.body, "scripts/build") {
			t.Errorf("the placeholder does not say how to build the app: %s", got.body)
		}
		return
	}
	tiles := s.get("/basemap.pmtiles", "", header("Range", "bytes=0-6"), header("Accept-Encoding", "gzip"))
	if tiles.code != http.StatusPartialContent || tiles.body != "PMTiles" || tiles.header.Get("Content-Encoding") != "" {
		t.Errorf("a range of the base map: %d %q %v", tiles.code, tiles.body, tiles.header)
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t, func(o *dashboard.Options) { o.MapStyle = "raster:https://tiles.example/{z}/{x}/{y}.png" })
	got := s.get("/", "").header
	want := "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data: blob: https://tiles.example; font-src 'self' https://tiles.example; connect-src 'self' https://tiles.example; " +
		"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if got.Get("Content-Security-Policy") != want {
		t.Errorf("got %s", got.Get("Content-Security-Policy"))
	}
	if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("X-Request-Id") == "" || got.Get("Strict-Transport-Security") != "" {
		t.Errorf("got %v", got)
	}
	settings := into[struct{ Map struct{ Style string } }](t, s.get("/api/v1/settings", ""))
	if !strings.HasPrefix(settings.Map.Style, "raster:") {
		t.Errorf("settings: %+v", settings)
	}
}

func TestMQTTIsMounted(t *testing.T) {
	s := newSite(t)
	s.get("/mqtt", "")
	s.get("/mqtt/other", "")
	if s.mqtt != 1 {
		t.Errorf("the broker was asked %d times, want once", s.mqtt)
	}
}

func TestMethods(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct{ method, path string }{{http.MethodPost, path("acme", "stats")}, {http.MethodDelete, path("acme", "employees")}, {http.MethodGet, "/api/v1/login"}, {http.MethodPost, "/"}} {
		if got := s.do(tt.method, tt.path, ""); got.code < 400 || got.code >= 500 {
			t.Errorf("%s %s: %d", tt.method, tt.path, got.code)
		}
	}
}

func TestMissingParts(t *testing.T) {
	if _, err := dashboard.New(dashboard.Options{}); err == nil {
		t.Error("a dashboard without its parts")
	}
}

// A panic of one request is a plain 500, and the server goes on.
func TestPanic(t *testing.T) {
	s := newSite(t, func(o *dashboard.Options) {
		o.Ready = []dashboard.Check{{Name: "bad", Status: func() error { panic("boom") }}}
	})
	if got := s.get("/readyz", ""); got.code != http.StatusInternalServerError || strings.Contains(got.body, "boom") {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if got := s.get("/healthz", ""); got.code != http.StatusOK {
		t.Errorf("afterwards: %d", got.code)
	}
}
