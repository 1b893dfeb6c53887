package dashboard_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fieldcast/dashboard"
)

func TestStreetsArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "town.pmtiles")
	body := "PMTiles\x03" + strings.Repeat("tiles", 100)
	write(t, path, body)
	s := newSite(t, func(o *dashboard.Options) { o.MapStyle = "pmtiles:" + path })

	settings := into[struct{ Map struct{ Style string } }](t, s.get("/api/v1/settings", ""))
	if settings.Map.Style != "pmtiles:streets.pmtiles" {
		t.Errorf("browsers are told %q: the file's path is nobody's business", settings.Map.Style)
	}
	part := s.get("/streets.pmtiles", "", header("Range", "bytes=8-12"), header("Accept-Encoding", "gzip"))
	if part.code != http.StatusPartialContent || part.body != "tiles" || part.header.Get("Content-Encoding") != "" {
		t.Errorf("a range: %d %q %v", part.code, part.body, part.header)
	}
	if past := s.get("/streets.pmtiles", "", header("Range", "bytes=9999-10000")); past.code != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range past the end: %d", past.code)
	}

	etag := part.header.Get("ETag")
	other := filepath.Join(filepath.Dir(path), "new")
	write(t, other, body+"more")
	if err := os.Chtimes(other, time.Time{}, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	replaced := s.get("/streets.pmtiles", "", header("Range", "bytes=0-6"), header("If-None-Match", etag))
	if replaced.code != http.StatusPartialContent || replaced.header.Get("ETag") == etag {
		t.Errorf("another file has the same name: %d %v", replaced.code, replaced.header)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if gone := s.get("/streets.pmtiles", ""); gone.code != http.StatusNotFound || strings.Contains(gone.body, path) {
		t.Errorf("a file that is gone: %d %q", gone.code, gone.body)
	}
	if policy := s.get("/", "").header.Get("Content-Security-Policy"); strings.Contains(policy, "//") {
		t.Errorf("the page may load from elsewhere: %s", policy)
	}
}

func TestStreetsArchiveThatIsNone(t *testing.T) {
	for name, body := range map[string]string{"missing": "", "empty": "", "old": "PMTiles\x02....", "zip": "PK\x03\x04........"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if name != "missing" {
				write(t, path, body)
			}
			var log strings.Builder
			s := newSite(t, func(o *dashboard.Options) {
				o.MapStyle, o.Logger = "pmtiles:"+path, slog.New(slog.NewTextHandler(&log, nil))
			})
			if !strings.Contains(log.String(), "map.style") || !strings.Contains(log.String(), path) {
				t.Errorf("the log does not say which file: %s", log.String())
			}
			write(t, path, "PMTiles\x03")
			if got := s.get("/streets.pmtiles", ""); got.code != http.StatusOK {
				t.Errorf("put right while the server runs: %d", got.code)
			}
		})
	}
}

func TestHeadersOfFurtherHosts(t *testing.T) {
	s := newSite(t, func(o *dashboard.Options) {
		o.MapStyle, o.MapHosts = "style:https://maps.example/style.json", []string{"https://fonts.example", "https://tiles.example/"}
	})
	policy := s.get("/", "").header.Get("Content-Security-Policy")
	if want := "connect-src 'self' https://maps.example https://fonts.example https://tiles.example;"; !strings.Contains(policy, want) {
		t.Errorf("got %s, want %s", policy, want)
	}
}

func write(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}
