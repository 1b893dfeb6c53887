package journey

import (
	"math"
	"slices"
	"time"

	"fieldcast/track"
)

// stay is a stop: the fixes from first to last, both inside.
type stay struct {
	first, last int
	lat, lon    float64
}

// A stay whose halves are farther apart than this, or than their accuracy, or
// than somebody strolls in the time, is somebody passing through.
const (
	driftM   = 30
	driftMPS = 0.3
)

// stays finds the stops, in order.
func (r Rules) stays(fixes []track.Fix) (all []stay) {
	for i := 0; i < len(fixes); {
		s, ok := r.seed(fixes, i)
		if !ok {
			i++
			continue
		}
		s = r.extend(fixes, s)
		all = append(all, s)
		i = s.last + 1
	}
	return all
}

// seed is the shortest stay that begins with fix i, if there is one.
func (r Rules) seed(fixes []track.Fix, i int) (stay, bool) {
	end := i
	for end < len(fixes) && fixes[end].RecordedAt.Sub(fixes[i].RecordedAt) < r.StopAtLeast {
		end++
	}
	if end == len(fixes) {
		return stay{}, false
	}
	s := stay{first: i, last: end}
	window := fixes[i : end+1]
	s.lat, s.lon = centre(window)
	if !r.inside(s, fixes[i]) || !r.inside(s, fixes[end]) || r.passing(window) {
		return stay{}, false
	}
	strays := 0
	for _, f := range window {
		if !r.inside(s, f) {
			strays++
		}
	}
	return s, strays*5 <= len(window)
}

// passing reports whether the halves of a window are apart, so that it is
// somebody's way through it.
func (r Rules) passing(window []track.Fix) bool {
	half := len(window) / 2
	first, second := window[:half], window[half:]
	lat1, lon1 := centre(first)
	lat2, lon2 := centre(second)
	accuracies := make([]float64, len(window))
	for i, f := range window {
		accuracies[i] = f.AccuracyM.Or(0)
	}
	took := window[len(window)-1].RecordedAt.Sub(window[0].RecordedAt).Seconds() / 2
	return track.DistanceM(lat1, lon1, lat2, lon2) > min(r.StopRadiusM, max(driftM, median(accuracies), driftMPS*took))
}

// extend goes on while the person is there, and over excursions. The centre is
// computed again each time the stay has twice as many fixes.
func (r Rules) extend(fixes []track.Fix, s stay) stay {
	counted := s.last - s.first + 1
	for k := s.last + 1; k < len(fixes); k++ {
		if r.inside(s, fixes[k]) {
			s.last = k
		} else if k = r.back(fixes, s, k); k < 0 {
			break
		} else {
			s.last = k
		}
		if leaving := r.leaving(fixes, s); leaving > 0 {
			s.last = leaving
			break
		}
		if n := s.last - s.first + 1; n >= 2*counted {
			counted = n
			s.lat, s.lon = centre(fixes[s.first : s.last+1])
		}
	}
	s.lat, s.lon = centre(fixes[s.first : s.last+1])
	return s
}

// leaving returns where somebody began to pass through what was a stay, or 0.
// Somebody who goes on slowly would take the centre along with them.
func (r Rules) leaving(fixes []track.Fix, s stay) int {
	begin := s.last
	for begin > s.first && fixes[s.last].RecordedAt.Sub(fixes[begin].RecordedAt) < r.StopAtLeast {
		begin--
	}
	if begin == s.first || fixes[begin+1].RecordedAt.Sub(fixes[begin].RecordedAt) > r.Gap || !r.passing(fixes[begin:s.last+1]) {
		return 0
	}
	middle := begin + (s.last-begin)/2
	if fixes[middle].RecordedAt.Sub(fixes[s.first].RecordedAt) < r.StopAtLeast {
		return 0
	}
	return middle
}

// back returns the first fix inside again after fix k outside; -1 if the person
// has left.
func (r Rules) back(fixes []track.Fix, s stay, k int) int {
	for m := k + 1; m < len(fixes) && fixes[m].RecordedAt.Sub(fixes[k].RecordedAt) <= r.Excursion; m++ {
		if r.inside(s, fixes[m]) {
			return m
		}
	}
	return -1
}

// inside gives a fix the benefit of its accuracy circle.
func (r Rules) inside(s stay, f track.Fix) bool {
	return track.DistanceM(s.lat, s.lon, f.Lat, f.Lon)-f.AccuracyM.Or(0) <= r.StopRadiusM
}

// joined makes one of two stops at the same place with nothing but unsettled
// fixes in between.
func (r Rules) joined(fixes []track.Fix, all []stay) (out []stay) {
	for _, s := range all {
		if n := len(out); n > 0 && r.same(fixes, out[n-1], s) {
			s.first = out[n-1].first
			s.lat, s.lon = centre(fixes[s.first : s.last+1])
			out[n-1] = s
			continue
		}
		out = append(out, s)
	}
	return out
}

func (r Rules) same(fixes []track.Fix, a, b stay) bool {
	if track.DistanceM(a.lat, a.lon, b.lat, b.lon) > r.StopRadiusM/2 {
		return false
	}
	for _, f := range fixes[a.last+1 : b.first] {
		if !r.inside(a, f) && !r.inside(b, f) {
			return false
		}
	}
	return fixes[b.first].RecordedAt.Sub(fixes[a.last].RecordedAt) <= max(r.StopAtLeast, r.Gap) || b.first == a.last+1
}

// silent sums the silences within a stay that are longer than a gap.
func (r Rules) silent(fixes []track.Fix) (total time.Duration) {
	for i := 1; i < len(fixes); i++ {
		if d := fixes[i].RecordedAt.Sub(fixes[i-1].RecordedAt); d > r.Gap {
			total += d
		}
	}
	return total
}

// centre is the median of both coordinates, which strays do not move.
// Longitudes are taken relative to the first, because they wrap.
func centre(fixes []track.Fix) (lat, lon float64) {
	lats, lons := make([]float64, len(fixes)), make([]float64, len(fixes))
	for i, f := range fixes {
		lats[i] = f.Lat
		lons[i] = math.Remainder(f.Lon-fixes[0].Lon, 360)
	}
	return median(lats), math.Remainder(median(lons)+fixes[0].Lon, 360)
}

// median sorts its argument.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
