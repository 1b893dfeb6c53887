package dashboard_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"fieldcast/track"
)

// add stores fixes of e1 of acme, after those of the fixture.
func (s *site) add(fixes ...track.Fix) {
	s.t.Helper()
	cursor, err := s.store.Cursor(s.t.Context())
	must(s.t, err)
	for i := range fixes {
		fixes[i].Company, fixes[i].Employee = "acme", "e1"
		fixes[i].Seq = cursor + 1
		if fixes[i].ReceivedAt.IsZero() {
			fixes[i].ReceivedAt = fixes[i].RecordedAt
		}
		fixes[i] = fixes[i].Round()
	}
	for len(fixes) > 0 {
		n := min(len(fixes), 1000)
		_, err = s.store.Commit(s.t.Context(), track.Batch{After: cursor, Through: cursor + 1, Fixes: fixes[:n]})
		must(s.t, err)
		cursor++
		fixes = fixes[n:]
	}
}

// drive is ten minutes at a place, 20 minutes at 15 m/s to the north, and ten
// minutes there.
func drive(at time.Time) (fixes []track.Fix) {
	lat := 12.0
	for i := range 120 {
		if i >= 30 && i < 90 {
			lat += 300 / 111195.08
		}
		fixes = append(fixes, track.Fix{Lat: lat, Lon: 77, AccuracyM: track.Some(8.0), RecordedAt: at.Add(time.Duration(i) * 20 * time.Second)})
	}
	return fixes
}

type days struct {
	TZ   string
	Days []struct {
		Date                               string
		From, To                           time.Time
		Fixes, Ignored, Trips, Stops, Gaps int
		FirstFix                           time.Time `json:"first_fix"`
		DistanceM                          float64   `json:"distance_m"`
		MovingS                            float64   `json:"moving_s"`
		GapsS                              float64   `json:"gaps_s"`
	}
}

func TestDays(t *testing.T) {
	s := newSite(t)
	get := func(query string) answer { return s.get(path("acme", "employees/e1/days?"+query), s.tokens["viewer"]) }
	kolkata := time.FixedZone("IST", 5*3600+1800)
	s.add(drive(time.Date(2026, 2, 10, 23, 40, 0, 0, kolkata))...) // half of it after midnight there

	utc := into[days](t, get("from=2026-02-10&to=2026-02-11"))
	if utc.TZ != "UTC" || len(utc.Days) != 2 || utc.Days[0].Fixes != 120 || utc.Days[0].Trips != 1 || utc.Days[0].Stops != 2 || math.Abs(utc.Days[0].DistanceM-18_000) > 300 || utc.Days[1].Fixes != 0 {
		t.Errorf("UTC: %+v", utc)
	}
	local := into[days](t, get("from=2026-02-10&to=2026-02-11&tz=Asia/Kolkata"))
	if local.Days[0].Fixes != 60 || local.Days[1].Fixes != 60 || local.Days[0].DistanceM+local.Days[1].DistanceM > utc.Days[0].DistanceM+1 || local.Days[1].DistanceM < 8000 {
		t.Errorf("Kolkata: %+v", local)
	}
	moments := into[days](t, get("from=2026-02-10T00:00:00Z&to=2026-02-12T00:00:00Z"))
	if len(moments.Days) != 2 || moments.Days[0].DistanceM != utc.Days[0].DistanceM {
		t.Errorf("by moments: %+v", moments)
	}
	if week := into[days](t, get("")); len(week.Days) != 7 || week.Days[6].Date != "2026-03-02" || week.Days[6].Fixes != 5 {
		t.Errorf("by default: %+v", week)
	}
	// The clocks are set forward on the 29th: a day of 23 hours.
	march := into[days](t, get("from=2026-03-28&to=2026-03-30&tz=Europe/Berlin"))
	if len(march.Days) != 3 || march.Days[1].To.Sub(march.Days[1].From) != 23*time.Hour || march.Days[2].Date != "2026-03-30" {
		t.Errorf("Berlin: %+v", march)
	}
	if one := into[days](t, get("from=2026-01-01&to=2026-01-31")); len(one.Days) != 31 {
		t.Errorf("a month: %d days", len(one.Days))
	}
	for _, query := range []string{"from=2026-01-01&to=2026-02-01", "from=yesterday", "to=x", "tz=Nowhere", "tz=Local", "tz=../etc/passwd", "from=2026-02-11&to=2026-02-10", "from=9999-12-30&to=9999-12-31", "from=0001-01-01&to=0001-01-02"} {
		wantProblem(t, get(query), http.StatusUnprocessableEntity, "invalid")
	}
}

// What a phone uploads late changes the day it belongs to.
func TestLateUpload(t *testing.T) {
	s := newSite(t)
	get := func() float64 {
		d := into[days](t, s.get(path("acme", "employees/e1/days?from=2026-02-10&to=2026-02-10"), s.tokens["viewer"])).Days[0]
		if d.Gaps > 0 && d.GapsS < 300 {
			t.Errorf("got %+v", d)
		}
		return d.DistanceM
	}
	all := drive(time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC))
	late := append([]track.Fix{}, all[40:80]...)
	s.add(append(append([]track.Fix{}, all[:40]...), all[80:]...)...)
	before := get()
	s.add(late...)
	if after := get(); before > 7000 || math.Abs(after-18_000) > 300 {
		t.Errorf("%v m before the upload, %v m after it", before, after)
	}
}

type tracked struct {
	Fixes       int
	DistanceM   float64 `json:"distance_m"`
	SimplifiedM float64 `json:"simplified_m"`
	Legs        []struct {
		Kind     string
		From, To time.Time
		Lat      float64
		Points   []struct {
			At       time.Time `json:"recorded_at"`
			Lat      float64
			SpeedMPS float64 `json:"speed_mps"`
		}
	}
}

func TestTrack(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC)
	s.add(drive(at)...)
	get := func(query string) answer { return s.get(path("acme", "employees/e1/track?"+query), s.tokens["viewer"]) }
	full := into[tracked](t, get("from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z"))
	if len(full.Legs) != 3 || full.Legs[0].Kind != "stop" || full.Legs[1].Kind != "trip" || full.Legs[0].Lat != 12 || full.Fixes != 120 || full.SimplifiedM != 0 {
		t.Fatalf("got %+v", full)
	}
	if p := full.Legs[1].Points; len(p) < 40 || math.Abs(p[20].SpeedMPS-15) > 0.1 {
		t.Errorf("the trip: %+v", p)
	}
	thin := into[tracked](t, get("from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z&simplify=20"))
	if p := thin.Legs[1].Points; len(p) != 2 || math.Abs(p[1].SpeedMPS-15) > 0.1 || !p[0].At.Equal(full.Legs[1].From) || thin.DistanceM != full.DistanceM {
		t.Errorf("simplified, the straight road has %+v, %v m", p, thin.DistanceM)
	}
	if nobody := into[tracked](t, s.get(path("acme", "employees/e2/track?from=2026-02-28T00:00:00Z"), s.tokens["viewer"])); nobody.Fixes != 0 || nobody.Legs == nil {
		t.Errorf("who has not reported: %+v", nobody)
	}
	if day := into[tracked](t, get("to=2026-02-11T00:00:00Z")); day.Fixes != 120 {
		t.Errorf("without from: %d fixes", day.Fixes)
	}
	for _, query := range []string{"from=2026-02-10T00:00:00Z&to=2026-02-20T00:00:00Z", "from=x", "from=2026-02-10T00:00:00Z&to=2026-02-09T00:00:00Z", "from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z&simplify=-1"} {
		wantProblem(t, get(query), http.StatusUnprocessableEntity, "invalid")
	}
}

// However much there is, an answer has a bounded number of points.
func TestTrackIsBounded(t *testing.T) {
	s := newSite(t)
	at := time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC)
	var fixes []track.Fix
	for i := range 12_000 {
		angle := float64(i) / 50
		fixes = append(fixes, track.Fix{Lat: 12 + float64(i)*1e-4 + math.Sin(angle)/1000, Lon: 77 + math.Cos(angle)/1000, RecordedAt: at.Add(time.Duration(i) * time.Second)})
	}
	s.add(fixes...)
	got := into[tracked](t, s.get(path("acme", "employees/e1/track?from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z"), s.tokens["viewer"]))
	points := 0
	for _, l := range got.Legs {
		points += len(l.Points)
	}
	if got.Fixes != 12_000 || points > 5000 || points < 100 || got.SimplifiedM == 0 {
		t.Errorf("%d fixes, %d points, simplified by %v m", got.Fixes, points, got.SimplifiedM)
	}
}

func TestSimplifiedFixes(t *testing.T) {
	s := newSite(t)
	s.add(drive(time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC))...)
	get := func(query string) fixes {
		return into[fixes](t, s.get(path("acme", "employees/e1/fixes?from=2026-02-10T00:00:00Z&to=2026-02-11T00:00:00Z"+query), s.tokens["viewer"]))
	}
	all, some := get(""), get("&simplify=5")
	if len(all.Fixes) != 120 || len(some.Fixes) > 10 || len(some.Fixes) < 2 {
		t.Fatalf("%d fixes, simplified %d", len(all.Fixes), len(some.Fixes))
	}
	if !some.Fixes[0].RecordedAt.Equal(all.Fixes[0].RecordedAt) || !some.Fixes[len(some.Fixes)-1].RecordedAt.Equal(all.Fixes[119].RecordedAt) {
		t.Error("the ends are not kept")
	}
	kept := map[string]bool{}
	for _, f := range all.Fixes {
		kept[fmt.Sprint(f)] = true
	}
	for _, f := range some.Fixes {
		if !kept[fmt.Sprint(f)] {
			t.Errorf("%+v was never recorded", f)
		}
	}
	if page := get("&limit=50&simplify=5"); page.Next == "" {
		t.Error("a simplified page has no next")
	}
}

// Who may read where a person was: as for fixes.
func TestHistoryAccess(t *testing.T) {
	s := newSite(t)
	for _, route := range histories {
		for role, want := range map[string]int{"viewer": 200, "manager": 200, "admin": 200, "integrator": 200, "narrow": 404, "device": 403} {
			if got := s.get(path("acme", "employees/e1/"+route), s.tokens[role]); got.code != want {
				t.Errorf("%s GETs %s: %d, want %d", role, route, got.code, want)
			}
			foreign, missing := s.get(path("other", "employees/e1/"+route), s.tokens[role]), s.get(path("none", "employees/e1/"+route), s.tokens[role])
			if foreign.code != http.StatusNotFound || scrub(foreign.body, "other") != scrub(missing.body, "none") || strings.Contains(foreign.body, "lat") {
				t.Errorf("%s GETs %s of another company: %d %s", role, route, foreign.code, foreign.body)
			}
		}
		wantProblem(t, s.get(path("acme", "employees/nobody/"+route), s.tokens["manager"]), http.StatusNotFound, "not_found")
		wantProblem(t, s.get(path("acme", "employees/e1/"+route), ""), http.StatusUnauthorized, "unauthorized")
	}
	s.away()
	for _, route := range histories {
		wantProblem(t, s.get(path("acme", "employees/e1/"+route), s.tokens["manager"]), http.StatusServiceUnavailable, "unavailable")
	}
}

var histories = []string{"days", "track?from=2026-03-02T00:00:00Z", "export?format=csv"}
