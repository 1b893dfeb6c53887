package simulate

import (
	"context"
	"time"

	"fieldcast/payload"
	"fieldcast/track"
)

// maxStart bounds how long a phone waits before it starts.
const maxStart = 10 * time.Second

// asPhones is what OwnTracks sends: six decimals of a degree, whole metres.
var asPhones = payload.Precision{Time: time.Second, PlaceDeg: 1e-6, AccuracyM: 1, AltitudeM: 1, SpeedMPS: 0.1, CourseDeg: 1}

// walk measures a [Walk] as it goes on, every interval; every second one while
// it stands, as a sign of life. Without coverage the phone goes on measuring.
// With a speedup, more of the walk passes between two fixes than their times
// say.
func (p *phone) walk(ctx context.Context) {
	w := NewWalk(WalkOptions{Center: p.o.Center, Seed: p.o.Seed, Number: p.number, OfflineEvery: p.o.OfflineEvery})
	// Not p.random, which belongs to the delivering goroutine.
	interval := max(time.Duration(float64(p.o.Interval)/p.o.Speedup), time.Millisecond)
	late := time.Duration(w.random.Int64N(int64(min(interval, maxStart)) + 1))
	if !pause(ctx, late) {
		return
	}
	p.past(w, time.Now())
	p.cover.set(ctx, true)
	next := time.Now()
	for tick := 0; ; tick++ {
		if !w.Standing() || tick%2 == 0 {
			p.measured(p.fix(w, next))
		}
		next = next.Add(interval)
		if behind := time.Since(next); behind > interval {
			next = next.Add(behind) // the machine slept: phones do not make up for that
		}
		if !p.untilNext(ctx, next, w) {
			return
		}
		w.Advance(p.o.Interval)
		if p.cover.set(ctx, w.Online()) && !w.Online() {
			p.stats.spells.Add(1)
		}
	}
}

// historyStep is the least time between two fixes of the past.
const historyStep = 30 * time.Second

// past measures what lies before now, as a phone does that finds the broker
// only now: a backlog, marked as such.
func (p *phone) past(w *Walk, now time.Time) {
	step := max(p.o.Interval, historyStep)
	for at := now.Add(-p.o.History); at.Before(now); at = at.Add(step) {
		f := p.fix(w, at)
		f.Network = track.NetworkOffline
		p.measured(f)
		w.Advance(step)
	}
}

// fix measures as phones do: in whole seconds, unless the speedup packs more
// than one fix into a second.
func (p *phone) fix(w *Walk, at time.Time) track.Fix {
	precision := asPhones
	if p.o.Speedup > 1 {
		precision.Time = time.Millisecond
	}
	return precision.Round(w.Fix(at.UTC()))
}

// untilNext waits, and answers a server that asks where the phone is.
func (p *phone) untilNext(ctx context.Context, next time.Time, w *Walk) bool {
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return ctx.Err() == nil
		case <-p.asked:
			f := p.fix(w, time.Now())
			f.Trigger = "r"
			p.measured(f)
		case <-ctx.Done():
			return false
		}
	}
}
