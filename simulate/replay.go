package simulate

import (
	"context"
	"time"

	"fieldcast/track"
)

// clockSet is the earliest moment that a recording is believed. Phones whose
// clock was not set record 1970.
var clockSet = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// RetimeTo returns a copy of a recorded track that starts at a moment: all
// times are moved by the same duration. Fixes of a clock that was never set
// keep their time.
func RetimeTo(fixes []track.Fix, start time.Time) []track.Fix {
	return retime(fixes, start, 1)
}

// retime moves a track to start and lets it pass faster.
func retime(fixes []track.Fix, start time.Time, speedup float64) []track.Fix {
	out := append([]track.Fix(nil), fixes...)
	first := beginning(fixes)
	for i, f := range fixes {
		if !f.RecordedAt.Before(clockSet) {
			passed := time.Duration(float64(f.RecordedAt.Sub(first)) / speedup)
			out[i].RecordedAt = start.Add(passed.Round(time.Microsecond)).UTC()
		}
	}
	return out
}

// beginning is the earliest time of a track that is believed.
func beginning(fixes []track.Fix) time.Time {
	var first time.Time
	for _, f := range fixes {
		if !f.RecordedAt.Before(clockSet) && (first.IsZero() || f.RecordedAt.Before(first)) {
			first = f.RecordedAt
		}
	}
	return first
}

// schedule returns when, after the start, each fix of a track is sent. A fix
// that lies before its predecessor is sent at once after it.
func schedule(fixes []track.Fix, speedup float64) []time.Duration {
	out := make([]time.Duration, len(fixes))
	first := beginning(fixes)
	var latest time.Duration
	for i, f := range fixes {
		latest = max(latest, time.Duration(float64(f.RecordedAt.Sub(first))/speedup))
		out[i] = latest
	}
	return out
}

// replay measures what was recorded.
func (p *phone) replay(ctx context.Context) {
	start := time.Now()
	fixes := p.Track
	if !p.o.OriginalTimes {
		fixes = retime(fixes, start.UTC().Truncate(time.Second), p.o.Speedup)
	}
	p.cover.set(ctx, true)
	for i, due := range schedule(p.Track, p.o.Speedup) {
		if wait := time.Until(start.Add(due)); wait > 0 && !pause(ctx, wait) || ctx.Err() != nil {
			return
		}
		p.measured(fixes[i])
	}
}
