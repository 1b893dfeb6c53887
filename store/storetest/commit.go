package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"fieldcast/track"
)

var commitTests = []test{
	{"Commit/empty", func(t *testing.T, s suite) {
		cursor, err := s.Cursor(s.ctx())
		s.must(err)
		equal(t, "cursor at first", cursor, 0)
		r := s.commit(track.Batch{Through: 7})
		equal(t, "receipt", r, track.Receipt{})
		cursor, err = s.Cursor(s.ctx())
		s.must(err)
		equal(t, "cursor", cursor, 7)
		s.commit(track.Batch{Through: 7}) // nothing new
	}},
	{"Commit/conflict", func(t *testing.T, s suite) {
		b := track.Batch{After: 0, Through: 5, Fixes: fixes("acme", "e1", 3)}
		_, err := s.Commit(s.ctx(), b)
		s.must(err)
		_, err = s.Commit(s.ctx(), b)
		wantError(t, "replay", err, track.ErrConflict)
		b.After, b.Through, b.Fixes = 6, 9, fixes("acme", "e2", 3)
		_, err = s.Commit(s.ctx(), b)
		wantError(t, "a gap", err, track.ErrConflict)
		equal(t, "stored", s.stats("acme"), track.Stats{Employees: 1, Fixes: 3, Seq: 3})
		equal(t, "of e2", len(s.all(track.FixFilter{Company: "acme", Employee: "e2"})), 0)
		cursor, err := s.Cursor(s.ctx())
		s.must(err)
		equal(t, "cursor", cursor, 5)
	}},
	{"Commit/bad cursor", func(t *testing.T, s suite) {
		for _, b := range []track.Batch{{After: 0, Through: math.MaxUint64}, {After: 3, Through: 2}} {
			_, err := s.Commit(s.ctx(), b)
			wantError(t, fmt.Sprint(b.After, b.Through), err, track.ErrInvalid)
		}
	}},
	{"Commit/duplicates", func(t *testing.T, s suite) {
		same := fix("acme", "e1", 0)
		again := same // later, by another way: measured the same
		again.Seq, again.ReceivedAt, again.BatteryPct, again.Trigger = 9, noon.Add(time.Hour), track.Some(3), "p"
		other := same // the same second, another place
		other.Lon += 0.0001
		other = other.Round()
		elsewhere := same
		elsewhere.Company = "zeta"
		r := s.commitFixes(same, again, other, elsewhere, same)
		equal(t, "within a batch", r, track.Receipt{Stored: 3, Duplicate: 2})
		r = s.commitFixes(again, other, elsewhere)
		equal(t, "across batches", r, track.Receipt{Duplicate: 3})
		equal(t, "acme", s.stats("acme").Fixes, 2)
		equal(t, "zeta", s.stats("zeta").Fixes, 1)
		equal(t, "the first is kept", len(s.all(track.FixFilter{Company: "acme", Employee: "e1"})), 2)
		for _, f := range s.all(track.FixFilter{Company: "acme", Employee: "e1"}) {
			equal(t, "seq of the first", f.Seq, 1)
		}
	}},
	{"Commit/unknown people", func(t *testing.T, s suite) {
		s.addCompany("acme", "e1")
		s.commit(track.Batch{
			Fixes:     []track.Fix{fix("acme", "e1", 0), fix("acme", "e2", 0), fix("zeta", "e1", 0)},
			Positions: []track.Position{{Fix: fix("acme", "e3", 0)}},
			Reports:   []track.Report{{Company: "acme", Employee: "e4", Kind: "status", Body: []byte(`{}`), ReceivedAt: noon, Seq: 1}},
			Rejected:  []track.Rejection{{Company: "beta", Employee: "e5", Reason: track.ReasonNotJSON, ReceivedAt: noon, Seq: 1}},
		})
		es, err := s.Employees(s.ctx(), "")
		s.must(err)
		var got []string
		for _, e := range es {
			got = append(got, e.Company+"/"+e.ID+"/"+e.Name)
		}
		equal(t, "directory", got, []string{"acme/e1/e1", "acme/e2/e2", "acme/e3/e3", "acme/e4/e4", "zeta/e1/e1"})
		cs, err := s.Companies(s.ctx())
		s.must(err)
		equal(t, "companies", []string{cs[0].Name, cs[1].Name, cs[2].Name}, []string{"acme", "beta", "zeta"})
	}},
	{"Commit/positions", func(t *testing.T, s suite) {
		s.must(s.AddCompany(s.ctx(), track.Company{ID: "acme"}))
		s.must(s.AddEmployees(s.ctx(), "acme", []track.Employee{{ID: "e1", Name: "Asha Rao"}}))
		p := track.Position{
			Fix: full(fix("acme", "e1", 0)), Name: "not this", State: track.StateLive, Presence: track.Online,
			PresenceSince: track.Some(noon), IntervalS: track.Some(30.5), Changed: 12,
		}
		later := track.Position{Fix: fix("acme", "e1", 5), Changed: 20}
		other := track.Position{Fix: fix("zeta", "e1", 1), Changed: 2}
		s.commit(track.Batch{Positions: []track.Position{p, other}})
		want := p
		want.Name, want.State, want.Presence, want.PresenceSince = "Asha Rao", "", "", track.Optional[time.Time]{}
		got, err := s.Positions(s.ctx(), "acme")
		s.must(err)
		equal(t, "one company", got, []track.Position{want})

		other.Name = "e1"
		got, err = s.Positions(s.ctx(), "")
		s.must(err)
		equal(t, "all", got, []track.Position{want, other})

		s.commit(track.Batch{Positions: []track.Position{p, later}}) // the last of a batch counts
		later.Name = "Asha Rao"
		got, err = s.Positions(s.ctx(), "acme")
		s.must(err)
		equal(t, "replaced", got, []track.Position{later})
		equal(t, "seq counts changes, too", s.stats("acme").Seq, 20)
		equal(t, "positions are no fixes", s.stats("acme").Fixes, 0)

		got, err = s.Positions(s.ctx(), "nobody\x00")
		s.must(err)
		equal(t, "nobody", len(got), 0)
	}},
	{"Commit/large", func(t *testing.T, s suite) {
		const people, each = 500, 7
		var b track.Batch
		for i := range people {
			name := fmt.Sprintf("e%03d", i)
			b.Fixes = append(b.Fixes, fixes("acme", name, each)...)
			b.Positions = append(b.Positions, track.Position{Fix: fix("acme", name, each-1)})
		}
		equal(t, "receipt", s.commit(b), track.Receipt{Stored: people * each})
		equal(t, "stats", s.stats("acme"), track.Stats{Employees: people, Fixes: people * each, Seq: each})
		ps, err := s.Positions(s.ctx(), "acme")
		s.must(err)
		equal(t, "positions", len(ps), people)
	}},
	{"Stats", func(t *testing.T, s suite) {
		_, err := s.Stats(s.ctx(), "acme")
		wantError(t, "no such company", err, track.ErrNotFound)
		_, err = s.Stats(s.ctx(), "")
		wantError(t, "no company", err, track.ErrNotFound)
		s.addCompany("acme", "e1", "e2")
		equal(t, "at first", s.stats("acme"), track.Stats{Employees: 2})
		s.commit(track.Batch{
			Fixes:    append(fixes("acme", "e1", 4), fixes("zeta", "e1", 3)...),
			Rejected: []track.Rejection{{Company: "acme", Employee: "e1", Seq: 40}, {Company: "zeta", Seq: 2}},
		})
		equal(t, "acme", s.stats("acme"), track.Stats{Employees: 2, Fixes: 4, Rejected: 1, Seq: 40})
		equal(t, "zeta", s.stats("zeta"), track.Stats{Employees: 1, Fixes: 3, Rejected: 1, Seq: 3})
		s.commit(track.Batch{Reports: []track.Report{{Company: "acme", Employee: "e1", Seq: 41}}})
		equal(t, "with a report", s.stats("acme").Seq, 41)
		s.commit(track.Batch{Fixes: []track.Fix{fix("acme", "e1", 9)}})
		equal(t, "never goes back", s.stats("acme").Seq, 41)
	}},
}

// full sets everything that a phone can say.
func full(f track.Fix) track.Fix {
	f.AltitudeM, f.VerticalAccuracyM = track.Some(-12.3), track.Some(4.5)
	f.SpeedMPS, f.CourseDeg = track.Some(4.21), track.Some(359.9)
	f.BatteryPct, f.Charging, f.Mock = track.Some(81), track.Some(true), track.Some(false)
	f.Trigger, f.Network = "t", track.NetworkWiFi
	f.Quality = track.MarkStale | track.MarkMock | track.MarkOffShift
	return f.Round()
}

var refusalTests = []test{
	{"Refused/fixes", func(t *testing.T, s suite) {
		fs := fixes("acme", "e1", 20)
		for _, i := range []int{0, 7, 8, 19} {
			fs[i].Lat = 120 // refused by the database
		}
		r := s.commit(track.Batch{Fixes: append(fs, fs[1]), Rejected: []track.Rejection{{Company: "acme", Seq: 3, Reason: track.ReasonNotJSON}}})
		equal(t, "stored, duplicate", []int{r.Stored, r.Duplicate, len(r.Refused)}, []int{16, 1, 4})
		equal(t, "stats", s.stats("acme"), track.Stats{Employees: 1, Fixes: 16, Rejected: 5, Seq: 20})
		equal(t, "fixes", len(s.all(track.FixFilter{Company: "acme", Employee: "e1"})), 16)

		rs, err := s.Rejections(s.ctx(), "acme", 0, 10)
		s.must(err)
		equal(t, "rejections", len(rs), 5)
		got := rs[0]
		if got.Reason != track.ReasonStore || got.Seq != 20 || got.Employee != "e1" || got.Topic != "fc/acme/e1" ||
			len(got.Payload) == 0 || got.Size < len(got.Payload) || got.Detail == "" || !got.ReceivedAt.Equal(fs[19].ReceivedAt) {
			t.Fatalf("got %+v, want what the last fix was and why it was refused", got)
		}
		equal(t, "as told in the receipt", r.Refused[3], got)
	}},
	{"Refused/all", func(t *testing.T, s suite) {
		f := fix("acme", "e1", 0)
		f.Lat = -91
		r := s.commit(track.Batch{Fixes: []track.Fix{f}, Positions: []track.Position{{Fix: f}}})
		equal(t, "refused", []int{r.Stored, r.Duplicate, len(r.Refused)}, []int{0, 0, 2})
		ps, err := s.Positions(s.ctx(), "acme")
		s.must(err)
		equal(t, "positions", len(ps), 0)
		equal(t, "the next batch goes on", s.commitFixes(fix("acme", "e1", 1)).Stored, 1)
	}},
	{"Refused/what no row can hold", func(t *testing.T, s suite) {
		bad := []track.Fix{fix("acme", "e1", 1), fix("acme", "e1", 2), fix("acme", "a/b", 3), fix("acme", "", 4), fix("No Company", "e1", 5)}
		bad[0].Seq = math.MaxUint64
		bad[1].BatteryPct = track.Some(math.MaxInt)
		r := s.commitFixes(append(bad, fix("acme", "e1", 0))...)
		equal(t, "stored, duplicate", []int{r.Stored, r.Duplicate, len(r.Refused)}, []int{1, 0, 5})
		equal(t, "rejected of acme", s.stats("acme").Rejected, 4)
		for company, n := range map[string]int{"acme": 4, "No Company": 1} {
			rs, err := s.Rejections(s.ctx(), company, 0, 10)
			s.must(err)
			equal(t, "rejections of "+company, len(rs), n)
		}
		cs, err := s.Companies(s.ctx())
		s.must(err)
		equal(t, "companies", len(cs), 1)
	}},
	{"Refused/hostile text", func(t *testing.T, s suite) {
		const evil = "a\x00b\xff'; DROP TABLE fix; --"
		const kept = "a\uFFFDb\uFFFD'; DROP TABLE fix; --"
		f := fix("acme", "e1", 0)
		f.Trigger, f.Network = evil, evil
		body := []byte("\x00\xff{}")
		r := s.commit(track.Batch{
			Fixes: []track.Fix{f}, Positions: []track.Position{{Fix: f}},
			Reports:  []track.Report{{Company: "acme", Employee: "e1", Kind: evil, Body: body, Seq: 1, ReceivedAt: noon}},
			Rejected: []track.Rejection{{Company: "acme", Employee: evil, Topic: evil, Reason: track.Reason(evil), Detail: evil, Payload: body, Size: 4, ReceivedAt: noon, Seq: 2}},
		})
		equal(t, "receipt", r, track.Receipt{Stored: 1})
		got := s.all(track.FixFilter{Company: "acme", Employee: "e1"})
		equal(t, "trigger", []any{got[0].Trigger, got[0].Network}, []any{kept, kept})
		rs, err := s.Rejections(s.ctx(), "acme", 0, 1)
		s.must(err)
		equal(t, "rejection", rs[0], track.Rejection{
			Company: "acme", Employee: kept, Topic: kept, Reason: kept, Detail: kept, Payload: body, Size: 4, ReceivedAt: noon, Seq: 2,
		})
	}},
}
