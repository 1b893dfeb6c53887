package journey

import "fieldcast/track"

// legs puts trips and gaps between the stays.
func (r Rules) legs(fixes []track.Fix, stays []stay) (out []Leg) {
	next := 0 // the first fix that no leg has led to yet
	for _, s := range stays {
		out = r.between(out, fixes[next:s.first+1])
		inside := fixes[s.first : s.last+1]
		out = append(out, Leg{
			Kind: Stop, From: inside[0].RecordedAt, To: inside[len(inside)-1].RecordedAt,
			Lat: s.lat, Lon: s.lon, Silent: r.silent(inside),
		})
		next = s.last
	}
	return r.between(out, fixes[next:])
}

// between splits the way from one stop to the next at its gaps. The way begins
// and ends with a fix of the stops, where there are any.
func (r Rules) between(out []Leg, way []track.Fix) []Leg {
	begin := 0
	for i := 1; i < len(way); i++ {
		if way[i].RecordedAt.Sub(way[i-1].RecordedAt) <= r.Gap {
			continue
		}
		out = r.trip(out, way[begin:i])
		out = append(out, Leg{
			Kind: Gap, From: way[i-1].RecordedAt, To: way[i].RecordedAt,
			DistanceM: distance(way[i-1], way[i]), Path: []track.Fix{way[i-1], way[i]},
		})
		begin = i
	}
	if len(way) == 0 {
		return out
	}
	return r.trip(out, way[begin:])
}

// trip adds one, unless there is nothing but a single fix.
func (r Rules) trip(out []Leg, way []track.Fix) []Leg {
	if len(way) < 2 || !way[0].RecordedAt.Before(way[len(way)-1].RecordedAt) {
		return out
	}
	path := settled(way)
	l := Leg{Kind: Trip, From: path[0].RecordedAt, To: path[len(path)-1].RecordedAt, Path: path}
	for i := 1; i < len(path); i++ {
		l.DistanceM += distance(path[i-1], path[i])
	}
	return append(out, l)
}

// Bounds of the noise of a step.
const (
	noiseAtLeastM = 3
	noiseAtMostM  = 25
)

// settled leaves out steps that are within the noise, except the last, so that
// somebody who waits at a light goes nowhere.
func settled(way []track.Fix) []track.Fix {
	path := []track.Fix{way[0]}
	for i := 1; i < len(way); i++ {
		last := path[len(path)-1]
		noise := (way[i].AccuracyM.Or(0) + last.AccuracyM.Or(0)) / 4
		if i == len(way)-1 || distance(last, way[i]) > min(max(noise, noiseAtLeastM), noiseAtMostM) {
			path = append(path, way[i])
		}
	}
	return path
}

func distance(a, b track.Fix) float64 { return track.DistanceM(a.Lat, a.Lon, b.Lat, b.Lon) }
