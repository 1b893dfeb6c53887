package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"fieldcast/track"
)

var update = flag.Bool("update", false, "write testdata anew")

type positions struct {
	Company   string
	Seq       uint64
	Complete  bool
	Positions []track.Position
}

func TestPositions(t *testing.T) {
	s := newSite(t)
	manager := s.tokens["manager"]
	first := s.get(path("acme", "positions"), manager)
	got := into[positions](t, first)
	if got.Company != "acme" || got.Seq != 7 || !got.Complete || len(got.Positions) != 1 || got.Positions[0].Name != "Asha Rao" || got.Positions[0].State != track.StateLive {
		t.Errorf("got %+v", got)
	}
	etag := first.header.Get("ETag")
	if again := s.get(path("acme", "positions"), manager, header("If-None-Match", etag)); again.code != http.StatusNotModified || again.body != "" {
		t.Errorf("If-None-Match: %d %q", again.code, again.body)
	}
	for name, tt := range map[string]struct {
		after    string
		complete bool
		people   int
	}{
		"nothing new": {"7", false, 0}, "one has changed": {"6", false, 1}, "from the beginning": {"0", false, 1}, "a number of the future": {"8", true, 1},
	} {
		got := into[positions](t, s.get(path("acme", "positions?after="+tt.after), manager))
		if got.Complete != tt.complete || len(got.Positions) != tt.people || got.Seq != 7 || got.Positions == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	wantProblem(t, s.get(path("acme", "positions?after=x"), manager), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.get(path("acme", "positions?after=99999999999999999999"), manager), http.StatusUnprocessableEntity, "invalid")

	p := s.people.all[0]
	p.Name = "Asha Rao-Singh" // a new name, and nothing else
	s.people.set(8, p)
	renamed := s.get(path("acme", "positions"), manager, header("If-None-Match", etag))
	if renamed.code != http.StatusOK || !strings.Contains(renamed.body, "Rao-Singh") {
		t.Errorf("after a change: %d", renamed.code)
	}
	p.Team = "North"
	s.people.set(9, p)
	if joined := s.get(path("acme", "positions"), manager); !strings.Contains(joined.body, `"team":"North"`) {
		t.Errorf("no team in %s", joined.body)
	}
	s.away()
	if code := s.get(path("acme", "positions"), manager).code; code != http.StatusOK {
		t.Errorf("without a database: %d", code)
	}
	away := s.get(path("acme", "stats"), manager)
	wantProblem(t, away, http.StatusServiceUnavailable, "unavailable")
	if away.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestCompression(t *testing.T) {
	s := newSite(t)
	var many []track.Position
	for i := range 500 {
		p := s.people.all[0]
		p.Employee = fmt.Sprintf("e%d", i)
		many = append(many, p)
	}
	s.people.set(9, many...)
	plain := s.get(path("acme", "positions"), s.tokens["viewer"])
	for _, encoding := range []string{"gzip", "zstd"} {
		got := s.get(path("acme", "positions"), s.tokens["viewer"], header("Accept-Encoding", encoding))
		if got.header.Get("Content-Encoding") != encoding || len(got.body) > len(plain.body)/5 {
			t.Errorf("%s: got %q, %d of %d bytes", encoding, got.header.Get("Content-Encoding"), len(got.body), len(plain.body))
		}
		if encoding == "gzip" {
			r, err := gzip.NewReader(strings.NewReader(got.body))
			must(t, err)
			if b, err := io.ReadAll(r); err != nil || string(b) != plain.body {
				t.Errorf("unpacked it differs: %v", err)
			}
		}
	}
}

type fixes struct {
	Fixes []track.Fix
	Next  string
}

func TestFixes(t *testing.T) {
	s := newSite(t)
	get := func(query string) answer { return s.get(path("acme", "employees/e1/fixes?"+query), s.tokens["viewer"]) }
	for name, tt := range map[string]struct {
		query string
		want  int
	}{
		"all":                    {"", 5},
		"from":                   {"from=2026-03-02T11:57:00Z", 3},
		"to is exclusive":        {"to=2026-03-02T11:57:00Z", 2},
		"another zone":           {"from=2026-03-02T12:57:00%2B01:00", 3},
		"Unix seconds":           {fmt.Sprintf("from=%d", noon.Add(-3*time.Minute).Unix()), 3},
		"fractions":              {fmt.Sprintf("from=%d.5", noon.Add(-3*time.Minute).Unix()), 2},
		"a day without anything": {"from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z", 0},
	} {
		if got := into[fixes](t, get(tt.query)); len(got.Fixes) != tt.want || got.Fixes == nil || got.Next != "" {
			t.Errorf("%s: got %d fixes, next %q, want %d", name, len(got.Fixes), got.Next, tt.want)
		}
	}
	var all []track.Fix
	for cursor, pages := "", 0; ; pages++ {
		page := into[fixes](t, get("limit=2&cursor="+cursor))
		all = append(all, page.Fixes...)
		if cursor = page.Next; cursor == "" {
			break
		}
		if pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if len(all) != 5 {
		t.Errorf("by pages: %d fixes", len(all))
	}
	for i := range all[1:] {
		if !all[i].RecordedAt.Before(all[i+1].RecordedAt) {
			t.Error("not oldest first")
		}
	}
	for _, query := range []string{"from=yesterday", "to=x", "cursor=x", "limit=0", "limit=10001", "limit=x", "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z"} {
		wantProblem(t, get(query), http.StatusUnprocessableEntity, "invalid")
	}
	if got := into[fixes](t, s.get(path("acme", "employees/e2/fixes"), s.tokens["viewer"])); len(got.Fixes) != 0 {
		t.Errorf("who has not reported: %+v", got)
	}
	wantProblem(t, s.get(path("acme", "employees/nobody/fixes"), s.tokens["viewer"]), http.StatusNotFound, "not_found")
	wantProblem(t, s.get(path("acme", "employees/%23/fixes"), s.tokens["viewer"]), http.StatusNotFound, "not_found")
}

func TestEmployeesStatsRejected(t *testing.T) {
	s := newSite(t)
	must(t, s.store.SetTeam(t.Context(), "acme", []string{"e2"}, "North"))
	got := into[struct {
		Employees []struct{ ID, Name, Team, State, Presence string }
	}](t, s.get(path("acme", "employees"), s.tokens["viewer"]))
	if len(got.Employees) != 2 || got.Employees[0].State != "live" || got.Employees[0].Presence != "online" || got.Employees[1].State != "never" || got.Employees[1].Presence != "offline" || got.Employees[0].Team != "" || got.Employees[1].Team != "North" {
		t.Errorf("employees: %+v", got)
	}
	if got := into[track.Stats](t, s.get(path("acme", "stats"), s.tokens["viewer"])); got != (track.Stats{Employees: 2, Fixes: 5, Rejected: 1, Seq: 6}) {
		t.Errorf("stats: %+v", got)
	}
	rejected := into[struct {
		Rejected []struct{ Employee, Reason, Detail, Preview string }
	}](t, s.get(path("acme", "rejected"), s.tokens["manager"]))
	if len(rejected.Rejected) != 1 || rejected.Rejected[0].Reason != "not_json" || rejected.Rejected[0].Preview != "··junk <b>" {
		t.Errorf("rejected: %+v", rejected)
	}
	if got := s.get(path("acme", "rejected?before=6"), s.tokens["manager"]); !strings.Contains(got.body, `"rejected":[]`) {
		t.Errorf("before the oldest: %s", got.body)
	}
}

func TestReadiness(t *testing.T) {
	s := newSite(t)
	if got := s.get("/healthz", ""); got.code != http.StatusOK {
		t.Errorf("healthz: %d", got.code)
	}
	if got := s.get("/readyz", ""); got.code != http.StatusOK || !strings.Contains(got.body, `"journal":"ok"`) {
		t.Errorf("readyz: %d %s", got.code, got.body)
	}
	s.ready = errDown
	if got := s.get("/readyz", ""); got.code != http.StatusServiceUnavailable || !strings.Contains(got.body, `"journal":"down"`) {
		t.Errorf("readyz: %d %s", got.code, got.body)
	}
}

func TestMetricsHaveRoutesNotPaths(t *testing.T) {
	s := newSite(t)
	s.get(path("acme", "employees/e1/fixes"), s.tokens["viewer"])
	s.get("/no/such/thing.js", "")
	s.do("BREW", "/", "")
	families, err := s.metrics.Gather()
	must(t, err)
	text := fmt.Sprint(families)
	if !strings.Contains(text, "/api/v1/companies/{company}/employees/{employee}/fixes") || strings.Contains(text, "e1/fixes") || strings.Contains(text, "such") || strings.Contains(text, "BREW") {
		t.Errorf("got %s", text)
	}
}

// The OpenAPI document is a contract: a change of it must be meant.
func TestOpenAPI(t *testing.T) {
	s := newSite(t)
	got := s.get("/api/openapi.json", "")
	var document struct {
		OpenAPI string
		Paths   map[string]any
	}
	if err := json.Unmarshal([]byte(got.body), &document); err != nil || !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Fatalf("%v: %.200s", err, got.body)
	}
	var pretty bytes.Buffer
	must(t, json.Indent(&pretty, []byte(got.body), "", "  "))
	const golden = "testdata/openapi.json"
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("the interface differs from %s; if that is meant: go test ./dashboard -run OpenAPI -update, and adjust API.md", golden)
	}
	short, err := os.ReadFile("API.md")
	must(t, err)
	for _, m := range regexp.MustCompile("`(?:GET|POST) (/[^`?]*)").FindAllStringSubmatch(string(short), -1) {
		p := "/api/v1" + strings.NewReplacer("{c}", "{company}", "{e}", "{employee}").Replace(m[1])
		if m[1] != "/api/openapi.json" && document.Paths[p] == nil {
			t.Errorf("API.md has %s, the document has not", p)
		}
	}
}

func BenchmarkPositions(b *testing.B) {
	s := newSite(b)
	many := make([]track.Position, 10_000)
	for i := range many {
		many[i] = s.people.all[0]
		many[i].Employee = fmt.Sprintf("e%d", i)
	}
	s.people.set(9, many...)
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			s.get(path("acme", "positions"), s.tokens["viewer"])
		}
	})
	b.Run("encoded", func(b *testing.B) {
		for seq := uint64(10); b.Loop(); seq++ {
			s.people.seq = seq
			s.get(path("acme", "positions"), s.tokens["viewer"])
		}
	})
}
