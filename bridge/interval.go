package bridge

import (
	"math"
	"time"

	"fieldcast/track"
)

// How the interval of a phone is learned.
const (
	// longestGap: after a longer silence the phone was off, not slow.
	longestGap = time.Hour
	// liveDelay: a fix that was under way for longer was queued on the phone.
	liveDelay = 2 * time.Minute
	// Each gap moves the estimate by at most a factor of 2^(1/4) = 1.19: a
	// phone that changes from 30 s to 10 min is known after some 17 fixes, and
	// a lunch break is forgotten after two.
	gapBound = 2.0
	gapGain  = 0.25
)

// learnInterval returns the estimate of the time between two reports of a
// phone, after last has taken the place of known. It is a running geometric
// mean with bounded steps, so that single long gaps hardly count, and its whole
// state is the value itself: a restart loses nothing.
//
// Counted are gaps between the recorded times of last-known positions that
// arrived live. Within a message only the newest fix counts, because a phone
// that sends ten fixes every five minutes reports every five minutes.
func learnInterval(known *track.Position, last *track.Fix) track.Optional[float64] {
	if known == nil {
		return track.Optional[float64]{}
	}
	gap := last.RecordedAt.Sub(known.RecordedAt)
	delay := last.ReceivedAt.Sub(last.RecordedAt)
	wrongClock := last.Quality.Has(track.MarkFuture) || known.Quality.Has(track.MarkFuture)
	if gap <= 0 || gap > longestGap || delay > liveDelay || wrongClock {
		return known.IntervalS
	}
	estimate := gap.Seconds()
	if known.IntervalS.Known && known.IntervalS.Value > 0 {
		step := min(max(estimate/known.IntervalS.Value, 1/gapBound), gapBound)
		estimate = known.IntervalS.Value * math.Pow(step, gapGain)
	}
	// Tenths of a second, so that every database gives back what it was given.
	return track.Some(max(math.Round(estimate*10)/10, 0.1))
}
