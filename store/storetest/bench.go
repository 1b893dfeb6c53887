package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"fieldcast/track"
)

// BenchmarkCommit measures batches of 1, 100 and 1,000 fixes of a thousand
// people, each with the positions that it changes; fixes/s is what counts.
func BenchmarkCommit(b *testing.B, open func(b *testing.B) track.Store) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b)
			seq := 0
			b.ReportAllocs()
			for b.Loop() {
				batch := track.Batch{After: uint64(seq), Through: uint64(seq + size)}
				for range size {
					f := fix("acme", fmt.Sprint("e", seq%1000), seq)
					f.BatteryPct, f.Trigger, f.Network = track.Some(80), "t", track.NetworkMobile
					batch.Fixes = append(batch.Fixes, f)
					batch.Positions = append(batch.Positions, track.Position{Fix: f, Changed: f.Seq})
					seq++
				}
				if _, err := s.Commit(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "fixes/s")
		})
	}
}

// BenchmarkFixesDay reads a person's day of 2,880 fixes, one of many people's.
func BenchmarkFixesDay(b *testing.B, open func(b *testing.B) track.Store) {
	const people, day = 50, 2880
	s := open(b)
	fillDays(b, s, people, day)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		f := track.FixFilter{Company: "acme", Employee: fmt.Sprint("e", n%people), From: noon, To: noon.Add(24 * time.Hour), Limit: day}
		fs, _, err := s.Fixes(b.Context(), f)
		if err != nil || len(fs) != day {
			b.Fatalf("got %d fixes, %v, want %d", len(fs), err, day)
		}
	}
}

// fillDays stores a day of everybody in the order in which it happens.
func fillDays(b *testing.B, s track.Store, people, day int) {
	b.Helper()
	for n := range day {
		batch := track.Batch{After: uint64(n), Through: uint64(n + 1)}
		for p := range people {
			f := fix("acme", fmt.Sprint("e", p), n)
			f.RecordedAt = noon.Add(time.Duration(n) * 30 * time.Second)
			f.ReceivedAt = f.RecordedAt
			batch.Fixes = append(batch.Fixes, f)
		}
		if _, err := s.Commit(context.WithoutCancel(b.Context()), batch); err != nil {
			b.Fatal(err)
		}
	}
}
