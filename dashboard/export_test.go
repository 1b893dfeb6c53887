package dashboard_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fieldcast/dashboard"
	"fieldcast/track"
)

func TestExport(t *testing.T) {
	s := newSite(t)
	s.add(drive(time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC))...)
	for format, tt := range map[string]struct {
		contentType string
		count       func(body string) int
	}{
		"gpx":     {"application/gpx+xml", elements("trkpt")},
		"kml":     {"application/vnd.google-earth.kml+xml", elements("coord")},
		"geojson": {"application/geo+json", features},
		"csv": {"text/csv; charset=utf-8", func(body string) int {
			rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
			must(t, err)
			return len(rows) - 1
		}},
		"ndjson": {"application/x-ndjson", func(body string) int { return strings.Count(body, "\n") }},
	} {
		get := func(query string) answer {
			return s.get(path("acme", "employees/e1/export?format="+format+query), s.tokens["viewer"])
		}
		got := get("&from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z")
		if got.code != http.StatusOK || got.header.Get("Content-Type") != tt.contentType || tt.count(got.body) != 120 {
			t.Errorf("%s: %d %v, %d fixes", format, got.code, got.header, tt.count(got.body))
		}
		if d := got.header.Get("Content-Disposition"); d != `attachment; filename="e1_20260210T000000Z_20260211T000000Z.`+format+`"` {
			t.Errorf("%s: %s", format, d)
		}
		if none := get("&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"); none.code != http.StatusOK || tt.count(none.body) != 0 {
			t.Errorf("%s of nothing: %d %s", format, none.code, none.body)
		}
	}
	if got := s.get(path("acme", "employees/e1/export?format=csv"), s.tokens["viewer"]); strings.Count(got.body, "\n") != 6 {
		t.Errorf("the last day: %s", got.body)
	}
	for query, hint := range map[string]string{
		"format=doc": "", "from=x": "", "from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z": "more than 92 days", "from=2026-02-10T00:00:00Z&to=2026-02-09T00:00:00Z": "must be before to",
	} {
		got := s.get(path("acme", "employees/e1/export?"+query), s.tokens["viewer"])
		wantProblem(t, got, http.StatusUnprocessableEntity, "invalid")
		if !strings.Contains(got.body, hint) {
			t.Errorf("%s: %s", query, got.body)
		}
	}
}

// elements counts those of a name in a document that must be well-formed.
func elements(name string) func(string) int {
	return func(body string) (n int) {
		for d := xml.NewDecoder(strings.NewReader(body)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				return n
			}
			if err != nil {
				return -1
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == name {
				n++
			}
		}
	}
}

func features(body string) int {
	var c struct{ Features []json.RawMessage }
	if json.Unmarshal([]byte(body), &c) != nil || c.Features == nil {
		return -1
	}
	return len(c.Features)
}

// endless has fixes without end, and fails after some pages if it is to.
type endless struct {
	dashboard.Store
	pages  int
	failAt int
	big    int
}

func (e *endless) Fixes(_ context.Context, f track.FixFilter) ([]track.Fix, track.FixCursor, error) {
	e.pages++
	if e.pages == e.failAt {
		return nil, track.FixCursor{}, track.ErrUnavailable
	}
	page := make([]track.Fix, f.Limit)
	for i := range page {
		e.big++
		page[i] = track.Fix{Employee: "e1", Lat: float64(e.big%90) + 0.1234567, Lon: 1, RecordedAt: noon.Add(time.Duration(e.big) * time.Second)}
	}
	return page, track.FixCursor{RecordedUS: int64(e.big)}, nil
}

// A file that cannot be finished does not look like one that was.
func TestExportIsCutOff(t *testing.T) {
	var store *endless
	w := watch(t, func(o *dashboard.Options) {
		store = &endless{Store: o.Store, failAt: 20}
		o.Store = store
	})
	for _, format := range []string{"gpx", "kml", "geojson", "csv", "ndjson"} {
		store.pages = 0
		res := request(t, w.url+path("acme", "employees/e1/export?format="+format), w.tokens["viewer"])
		if body, err := io.ReadAll(res.Body); err == nil || res.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: %d, %d bytes, %v", format, res.StatusCode, len(body), err)
		}
	}
	store.failAt, store.pages = 1, 0
	wantProblem(t, w.get(path("acme", "employees/e1/export"), w.tokens["viewer"]), http.StatusServiceUnavailable, "unavailable")
}

// Who does not take an export is cut off; a revoked token ends it.
func TestSlowExport(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) {
		o.Store = &endless{Store: o.Store}
		o.Streams.Write = 100 * time.Millisecond
	})
	// Compressed, it would take long until the connection's buffers are full.
	res := request(t, w.url+path("acme", "employees/e1/export?format=csv"), w.tokens["viewer"], "Accept-Encoding", "identity")
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.StatusCode)
	}
	w.wantMetric("fieldcast_http_watchers_closed_total", "reason", "slow", 1)
	w.wantMetric("fieldcast_http_watchers", "kind", "export", 0)
}

func TestExportEndsWithItsToken(t *testing.T) {
	w := watch(t, func(o *dashboard.Options) { o.Store = &endless{Store: o.Store} })
	res := request(t, w.url+path("acme", "employees/e1/export?format=ndjson"), w.tokens["viewer"])
	var first bytes.Buffer
	if _, err := io.CopyN(&first, res.Body, 10_000); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.RevokeTokens(t.Context(), track.TokenFilter{Company: "acme"}); err != nil {
		t.Fatal(err)
	}
	must(t, w.ids.Start(t.Context()))
	if n, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Errorf("it went on for %d bytes and ended well", n)
	}
	w.wantMetric("fieldcast_http_watchers_closed_total", "reason", "revoked", 1)
}
