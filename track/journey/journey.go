package journey

import (
	"slices"
	"time"

	"fieldcast/track"
)

// Rules are the bounds of stops and gaps.
type Rules struct {
	StopRadiusM float64       // how far from its centre a stop reaches
	StopAtLeast time.Duration // a shorter stay is part of the trip
	Excursion   time.Duration // who leaves a stop and is back within this has not left
	Gap         time.Duration // a longer silence is a gap
	InaccurateM float64       // fixes with a larger accuracy circle are ignored
	JumpMPS     float64       // speed that nobody on the ground reaches
}

// DefaultRules suit people who walk and drive and phones that report every few
// seconds to minutes.
func DefaultRules() Rules {
	limits := track.DefaultLimits()
	return Rules{
		StopRadiusM: 200, StopAtLeast: 180 * time.Second, Excursion: 2 * time.Minute, Gap: 5 * time.Minute,
		InaccurateM: limits.InaccurateM, JumpMPS: limits.JumpMPS,
	}
}

// Kind is what a leg is.
type Kind string

// The kinds of legs.
const (
	Stop Kind = "stop"
	Trip Kind = "trip"
	Gap  Kind = "gap"
)

// Leg is a part of a journey. Legs follow each other in time.
type Leg struct {
	Kind     Kind
	From, To time.Time
	// DistanceM is the way of a trip. Of a gap it is the straight line, which
	// nobody has measured and [Journey.DistanceM] leaves out; of a stop 0.
	DistanceM float64
	Lat, Lon  float64       // centre of a stop
	Silent    time.Duration // of a stop: the part without a fix for longer than a gap
	// Path is where a trip led, its ends included; of a gap, the two ends.
	Path []track.Fix
}

// Duration is the time between the leg's ends.
func (l Leg) Duration() time.Duration { return l.To.Sub(l.From) }

// Journey is what was made of a person's fixes. The zero value is of nobody who
// has reported.
type Journey struct {
	Legs        []Leg
	First, Last time.Time // of all fixes
	Fixes       int
	Ignored     int     // of Fixes: too inaccurate, jumps
	DistanceM   float64 // of all trips
	Moving      time.Duration
	Stopped     time.Duration
	Gaps        int
}

// Derive makes the journey of one person. It neither keeps nor changes the
// slice, whose order does not matter; a fix that is in it twice counts once.
func (r Rules) Derive(fixes []track.Fix) Journey {
	ordered := inOrder(fixes)
	j := Journey{Fixes: len(ordered)}
	if len(ordered) == 0 {
		return j
	}
	j.First, j.Last = ordered[0].RecordedAt, ordered[len(ordered)-1].RecordedAt
	used := r.reachable(r.accurate(ordered))
	j.Ignored = len(ordered) - len(used)
	j.Legs = r.legs(used, r.joined(used, r.stays(used)))
	for _, l := range j.Legs {
		switch l.Kind {
		case Trip:
			j.DistanceM += l.DistanceM
			j.Moving += l.Duration()
		case Stop:
			j.Stopped += l.Duration()
		case Gap:
			j.Gaps++
		}
	}
	return j
}

// inOrder sorts by time, and by what was measured where that is equal.
func inOrder(fixes []track.Fix) []track.Fix {
	type keyed struct {
		us, digest int64
		fix        track.Fix
	}
	all := make([]keyed, len(fixes))
	for i, f := range fixes {
		s := f.Scale()
		all[i] = keyed{s.RecordedUS, s.Digest(), f}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		if a.us != b.us {
			return compare(a.us, b.us)
		}
		return compare(a.digest, b.digest)
	})
	ordered := make([]track.Fix, 0, len(all))
	for i, k := range all {
		if i == 0 || k.us != all[i-1].us || k.digest != all[i-1].digest {
			ordered = append(ordered, k.fix)
		}
	}
	return ordered
}

func compare(a, b int64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func (r Rules) accurate(fixes []track.Fix) []track.Fix {
	limits := track.DefaultLimits()
	kept := make([]track.Fix, 0, len(fixes))
	for _, f := range fixes {
		if f.AccuracyM.Or(0) <= r.InaccurateM && limits.Plausible(f) {
			kept = append(kept, f)
		}
	}
	return kept
}

// lookAhead is how many fixes in a row may be a jump; more of them in the same
// place are the truth.
const lookAhead = 5

// reachable leaves out fixes that nobody can have reached from the one before,
// if a few fixes later the person is where they can be.
func (r Rules) reachable(fixes []track.Fix) []track.Fix {
	limits := track.Limits{JumpMPS: r.JumpMPS}
	jumps := func(from, to track.Fix) bool { return limits.Judge(to, &from).Has(track.MarkJump) }
	var kept []track.Fix
	if len(fixes) > 2 && jumps(fixes[0], fixes[1]) && !jumps(fixes[1], fixes[2]) {
		fixes = fixes[1:] // the first itself is the jump
	}
	for i := 0; i < len(fixes); i++ {
		if len(kept) > 0 && jumps(kept[len(kept)-1], fixes[i]) {
			before := kept[len(kept)-1]
			back := slices.IndexFunc(fixes[i:min(i+lookAhead+1, len(fixes))], func(f track.Fix) bool { return !jumps(before, f) })
			if back > 0 {
				i += back
			} else if i == len(fixes)-1 {
				break // nothing after it says that it is true
			}
		}
		kept = append(kept, fixes[i])
	}
	return kept
}
