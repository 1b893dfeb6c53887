package track

import (
	"math"
	"time"
)

// Limits are the bounds beyond which a fix is marked.
type Limits struct {
	Future      time.Duration // a phone's clock may be ahead by this much
	Stale       time.Duration // a fix may be under way for this long
	InaccurateM float64       // radius of the accuracy circle
	// Patience is how much newer an inaccurate fix must be to take the place
	// of an accurate one as the last-known position.
	Patience time.Duration
	JumpMPS  float64 // speed between two fixes that nobody on the ground reaches
}

// DefaultLimits returns the limits that suit people who walk and drive.
func DefaultLimits() Limits {
	return Limits{
		Future:      time.Minute,
		Stale:       24 * time.Hour,
		InaccurateM: 200,
		Patience:    10 * time.Minute,
		JumpMPS:     100,
	}
}

// clockSet is the earliest moment that a phone's clock can honestly show: no
// MQTT phone existed before, and a clock that was never set starts in 1970.
var clockSet = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Judge returns the marks of f. Before is the fix that f is compared with for
// [MarkJump], in general the person's last-known one; nil if there is none.
func (l Limits) Judge(f Fix, before *Fix) Marks {
	var m Marks
	if f.RecordedAt.Sub(f.ReceivedAt) > l.Future {
		m |= MarkFuture
	}
	if f.ReceivedAt.Sub(f.RecordedAt) > l.Stale || f.RecordedAt.Before(clockSet) {
		m |= MarkStale
	}
	if f.AccuracyM.Or(0) > l.InaccurateM {
		m |= MarkInaccurate
	}
	if before != nil && l.jumped(f, *before) {
		m |= MarkJump
	}
	if f.Mock.Or(false) {
		m |= MarkMock
	}
	return m
}

// jumped gives both fixes the benefit of their accuracy circles, and of a
// second, because most phones send whole seconds.
func (l Limits) jumped(f, before Fix) bool {
	seconds := math.Abs(f.RecordedAt.Sub(before.RecordedAt).Seconds()) + 1
	metres := DistanceM(f.Lat, f.Lon, before.Lat, before.Lon) - f.AccuracyM.Or(0) - before.AccuracyM.Or(0)
	return metres/seconds > l.JumpMPS
}

// Plausible reports whether f may become a last-known position at all. A fix
// by a clock that was never set may not.
func (l Limits) Plausible(f Fix) bool { return !f.RecordedAt.Before(clockSet) }

// Newer reports whether f should take the place of g as the last-known
// position. It is a strict total order on the fixes of a person that does not
// depend on the order of arrival, so the last-known position never goes back.
//
// A fix from the future counts as of the moment it was received: it is shown,
// but it cannot freeze the person. An inaccurate fix counts as older by
// [Limits.Patience].
func (l Limits) Newer(f, g Fix) bool {
	a, b := l.effective(f), l.effective(g)
	if !a.Equal(b) {
		return a.After(b)
	}
	if x, y := f.AccuracyM.Or(math.MaxFloat64), g.AccuracyM.Or(math.MaxFloat64); x != y {
		return x < y
	}
	return f.Scale().Digest() > g.Scale().Digest()
}

func (l Limits) effective(f Fix) time.Time {
	at := f.RecordedAt
	if at.Sub(f.ReceivedAt) > l.Future {
		at = f.ReceivedAt
	}
	if f.AccuracyM.Or(0) > l.InaccurateM {
		at = at.Add(-l.Patience)
	}
	return at
}

// earthRadiusM is the mean radius of the Earth (IUGG 1980).
const earthRadiusM = 6371008.8

// DistanceM returns the great-circle distance in metres between two places in
// degrees, by the haversine formula.
func DistanceM(lat1, lon1, lat2, lon2 float64) float64 {
	const rad = math.Pi / 180
	sinLat := math.Sin((lat2 - lat1) * rad / 2)
	sinLon := math.Sin((lon2 - lon1) * rad / 2)
	h := sinLat*sinLat + math.Cos(lat1*rad)*math.Cos(lat2*rad)*sinLon*sinLon
	return 2 * earthRadiusM * math.Asin(min(1, math.Sqrt(h)))
}
