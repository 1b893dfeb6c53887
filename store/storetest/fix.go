package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"fieldcast/track"
)

var fixTests = []test{
	{"Fixes/precision", func(t *testing.T, s suite) {
		bare := track.Fix{Company: "acme", Employee: "e1", RecordedAt: noon, ReceivedAt: noon, Seq: math.MaxInt64}.Round()
		edge := full(bare)
		edge.Lat, edge.Lon = -90, 180
		edge.RecordedAt = noon.Add(time.Microsecond)
		edge.AccuracyM, edge.AltitudeM = track.Some(1e9), track.Some(-1e9)
		edge.BatteryPct, edge.Charging, edge.Mock = track.Some(0), track.Some(false), track.Some(true)
		edge.Network, edge.Quality = track.NetworkOffline, 255
		edge = edge.Round()
		zero := track.Fix{ // known zeros are not unknown
			Company: "acme", Employee: "e1", RecordedAt: noon.Add(2 * time.Microsecond), ReceivedAt: noon,
			AccuracyM: track.Some(0.0), AltitudeM: track.Some(0.0), VerticalAccuracyM: track.Some(0.0), SpeedMPS: track.Some(0.0),
			CourseDeg: track.Some(0.0), Trigger: "", Network: track.NetworkMobile,
		}.Round()
		strange := zero
		strange.RecordedAt, strange.Network = noon.Add(3*time.Microsecond), "satellite"
		all := full(bare)
		all.RecordedAt = noon.Add(4 * time.Microsecond)
		want := []track.Fix{bare, edge, zero, strange, all}
		equal(t, "receipt", s.commitFixes(want...), track.Receipt{Stored: len(want)})
		equal(t, "fixes", s.all(track.FixFilter{Company: "acme", Employee: "e1"}), want)
	}},
	{"Fixes/far dates", func(t *testing.T, s suite) {
		var want []track.Fix
		for _, year := range []int{-100, 1, 1969, 1970, 1999, 2023, 2025, 2026, 2027, 2099, 9999, 20000} {
			for _, month := range []time.Month{time.January, time.December} {
				f := fix("acme", "e1", 0)
				f.RecordedAt = time.Date(year, month, 31, 23, 59, 59, 999_999_000, time.UTC)
				want = append(want, f)
			}
		}
		equal(t, "receipt", s.commitFixes(want...), track.Receipt{Stored: len(want)})
		equal(t, "again", s.commitFixes(want...), track.Receipt{Duplicate: len(want)})
		equal(t, "fixes", s.all(track.FixFilter{Company: "acme", Employee: "e1"}), want)
		// The month of a fix that came too early begins.
		late := fix("acme", "e1", 0)
		late.RecordedAt = time.Date(2027, time.January, 31, 10, 0, 0, 0, time.UTC)
		late.ReceivedAt = late.RecordedAt
		equal(t, "when its month has begun", s.commitFixes(late, want[16]), track.Receipt{Stored: 1, Duplicate: 1})
		equal(t, "count", len(s.all(track.FixFilter{Company: "acme", Employee: "e1"})), len(want)+1)
	}},
	{"Fixes/range", func(t *testing.T, s suite) {
		s.commitFixes(append(fixes("acme", "e1", 10), fixes("acme", "e10", 3)...)...)
		at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
		for _, c := range []struct {
			name        string
			from, to    time.Time
			first, last int
		}{
			{"all", time.Time{}, time.Time{}, 0, 9},
			{"from is included, to is not", at(2), at(5), 2, 4},
			{"from", at(7), time.Time{}, 7, 9},
			{"to", time.Time{}, at(2), 0, 1},
			{"finer than a microsecond", at(2).Add(1), at(5).Add(1), 3, 5},
			{"empty", at(5), at(5), 1, 0},
			{"turned round", at(5), at(2), 1, 0},
			{"after all", at(10), time.Time{}, 1, 0},
			{"before all", time.Time{}, at(0), 1, 0},
		} {
			for _, limit := range []int{0, 1, 2, 3} {
				var got []int
				for _, f := range s.all(track.FixFilter{Company: "acme", Employee: "e1", From: c.from, To: c.to, Limit: limit}) {
					got = append(got, int(f.Seq)-1)
				}
				var want []int
				for n := c.first; n <= c.last; n++ {
					want = append(want, n)
				}
				equal(t, fmt.Sprint(c.name, ", limit ", limit), got, want)
			}
		}
	}},
	{"Fixes/pages of equal times", func(t *testing.T, s suite) {
		var fs []track.Fix
		for i := range 23 { // the same second, 23 places
			f := fix("acme", "e1", 0)
			f.Lat = float64(i) / 100
			fs = append(fs, f.Round())
		}
		s.commitFixes(fs...)
		want := s.all(track.FixFilter{Company: "acme", Employee: "e1"})
		equal(t, "count", len(want), len(fs))
		for i := 1; i < len(want); i++ {
			if want[i-1].Scale().Digest() >= want[i].Scale().Digest() {
				t.Fatal("fixes of one moment are not in the order of their digests")
			}
		}
		for limit := 1; limit < 25; limit++ {
			equal(t, fmt.Sprint("limit ", limit), s.all(track.FixFilter{Company: "acme", Employee: "e1", Limit: limit}), want)
		}
	}},
	{"Fixes/cursor", func(t *testing.T, s suite) {
		s.commitFixes(fixes("acme", "e1", 6)...)
		f := track.FixFilter{Company: "acme", Employee: "e1", Limit: 6}
		page, next, err := s.Fixes(s.ctx(), f)
		s.must(err)
		equal(t, "a page that holds all has no next", []any{len(page), next}, []any{6, track.FixCursor{}})
		f.Limit = 4
		_, next, err = s.Fixes(s.ctx(), f)
		s.must(err)
		f.After, err = track.ParseFixCursor(next.String())
		s.must(err)
		s.commitFixes(fix("acme", "e1", 8)) // what arrives meanwhile is found
		page, next, err = s.Fixes(s.ctx(), f)
		s.must(err)
		equal(t, "second page", []any{len(page), page[0].Seq, page[2].Seq, next}, []any{3, 5, 9, track.FixCursor{}})
		f.From = noon.Add(5 * time.Second) // later than the cursor
		page, _, err = s.Fixes(s.ctx(), f)
		s.must(err)
		equal(t, "both bounds hold", []any{len(page), page[0].Seq}, []any{2, 6})
	}},
	{"Fixes/nobody", func(t *testing.T, s suite) {
		s.commitFixes(fixes("acme", "e1", 2)...)
		for _, f := range []track.FixFilter{
			{}, {Company: "acme"}, {Employee: "e1"}, {Company: "acme", Employee: "e2"}, {Company: "zeta", Employee: "e1"},
			{Company: "acme", Employee: "%"}, {Company: "acme\x00", Employee: "e1\xff"},
		} {
			page, next, err := s.Fixes(s.ctx(), f)
			s.must(err)
			equal(t, fmt.Sprint(f), []any{len(page), next}, []any{0, track.FixCursor{}})
		}
	}},
	{"Tenancy", func(t *testing.T, s suite) {
		for i, company := range []string{"acme", "zeta"} {
			f := fix(company, "e1", i)
			s.commit(track.Batch{
				Fixes: []track.Fix{f}, Positions: []track.Position{{Fix: f}},
				Rejected: []track.Rejection{{Company: company, Employee: "e1", Detail: company, Seq: uint64(i + 1), ReceivedAt: noon}},
			})
		}
		for i, company := range []string{"acme", "zeta"} {
			fs := s.all(track.FixFilter{Company: company, Employee: "e1"})
			equal(t, "fixes", fs, []track.Fix{fix(company, "e1", i)})
			ps, err := s.Positions(s.ctx(), company)
			s.must(err)
			equal(t, "positions", []any{len(ps), ps[0].Company, ps[0].Fix}, []any{1, company, fs[0]})
			rs, err := s.Rejections(s.ctx(), company, 0, 0)
			s.must(err)
			equal(t, "rejections", []any{len(rs), rs[0].Detail}, []any{1, company})
			es, err := s.Employees(s.ctx(), company)
			s.must(err)
			equal(t, "employees", []any{len(es), es[0].Company}, []any{1, company})
			equal(t, "stats", s.stats(company), track.Stats{Employees: 1, Fixes: 1, Rejected: 1, Seq: uint64(i + 1)})
		}
	}},
}

var rejectionTests = []test{
	{"Rejections/order and pages", func(t *testing.T, s suite) {
		var b track.Batch
		for i := range 12 { // three of each message
			b.Rejected = append(b.Rejected, track.Rejection{
				Company: "acme", Employee: "e1", Topic: "fc/acme/e1", Reason: track.ReasonMissing, Detail: fmt.Sprint(i),
				Payload: []byte{byte(i)}, Size: 1, ReceivedAt: noon, Seq: uint64(i/3 + 1),
			})
		}
		s.commit(b)
		all, err := s.Rejections(s.ctx(), "acme", 0, 100)
		s.must(err)
		equal(t, "count", len(all), 12)
		for i, r := range all {
			equal(t, "newest first, all fields", r, b.Rejected[11-i])
		}
		for limit := 1; limit < 13; limit++ {
			var got []track.Rejection
			for before := uint64(0); ; {
				page, err := s.Rejections(s.ctx(), "acme", before, limit)
				s.must(err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
				before = page[len(page)-1].Seq
				if before == 1 {
					break
				}
			}
			equal(t, fmt.Sprint("no rejection is lost between pages of ", limit), got, all)
		}
		none, err := s.Rejections(s.ctx(), "acme", 1, 5)
		s.must(err)
		equal(t, "before the first", len(none), 0)
		none, err = s.Rejections(s.ctx(), "nobody\x00", 0, 5)
		s.must(err)
		equal(t, "nobody", len(none), 0)
	}},
	{"Rejections/large and odd", func(t *testing.T, s suite) {
		s.commit(track.Batch{Rejected: []track.Rejection{
			{Company: "acme", Employee: "", Payload: make([]byte, 3*track.MaxRejectedPayload), Size: 1 << 30, ReceivedAt: noon, Seq: 1},
			{Company: "acme", Payload: nil, ReceivedAt: noon, Seq: math.MaxUint64},
		}})
		rs, err := s.Rejections(s.ctx(), "acme", 0, 10)
		s.must(err)
		equal(t, "count", len(rs), 2)
		equal(t, "cut", []int{len(rs[1].Payload), rs[1].Size}, []int{track.MaxRejectedPayload, 1 << 30})
	}},
}
