package dashboard

import (
	"context"
	"errors"
	"math"
	"time"

	"fieldcast/track"
	"fieldcast/track/journey"
)

type trackInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	From     string `query:"from" doc:"Earliest recorded_at, RFC 3339 or Unix seconds; a day before to if empty." example:"2026-11-23T00:00:00Z"`
	To       string `query:"to" doc:"recorded_at must be before this; the present if empty. At most 7 days after from." example:"2026-11-24T00:00:00Z"`
	Simplify int    `query:"simplify" minimum:"0" maximum:"10000" doc:"Leave out points that are within so many metres of the line of the others."`
}

// leg is a trip, a stop or a gap.
type leg struct {
	Kind      journey.Kind            `json:"kind" enum:"trip,stop,gap"`
	From      time.Time               `json:"from"`
	To        time.Time               `json:"to"`
	DurationS float64                 `json:"duration_s"`
	DistanceM float64                 `json:"distance_m" doc:"Of a gap: the straight line, which is in no sum."`
	Lat       track.Optional[float64] `json:"lat,omitzero" doc:"Centre of a stop."`
	Lon       track.Optional[float64] `json:"lon,omitzero"`
	SilentS   float64                 `json:"silent_s,omitempty" doc:"Of a stop: the part without a fix."`
	Points    []point                 `json:"points,omitempty" doc:"Of a trip: the way. Of a gap: its two ends."`
}

type point struct {
	At       time.Time               `json:"recorded_at"`
	Lat      float64                 `json:"lat"`
	Lon      float64                 `json:"lon"`
	SpeedMPS track.Optional[float64] `json:"speed_mps,omitzero" doc:"As the phone measured it, else from the fix before."`
}

type trackOutput struct {
	Body struct {
		Company     string  `json:"company"`
		Employee    string  `json:"employee"`
		From        string  `json:"from"`
		To          string  `json:"to"`
		Fixes       int     `json:"fixes"`
		Ignored     int     `json:"ignored"`
		DistanceM   float64 `json:"distance_m"`
		MovingS     float64 `json:"moving_s"`
		StoppedS    float64 `json:"stopped_s"`
		SimplifiedM float64 `json:"simplified_m" doc:"By how many metres: more than asked for where there were too many points."`
		Legs        []leg   `json:"legs"`
	}
}

func (s *server) track(ctx context.Context, in *trackInput) (*trackOutput, error) {
	if err := s.readsPerson(ctx, in.Company, in.Employee); err != nil {
		return nil, s.fail(ctx, err)
	}
	from, to, err := parseRange(in.From, in.To, s.Now(), mostTrackDays)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	j, err := s.derive(ctx, track.FixFilter{Company: in.Company, Employee: in.Employee, From: from, To: to})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &trackOutput{}
	b := &out.Body
	b.Company, b.Employee, b.From, b.To = in.Company, in.Employee, from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)
	b.Fixes, b.Ignored, b.DistanceM, b.MovingS, b.StoppedS = j.Fixes, j.Ignored, decimetres(j.DistanceM), j.Moving.Seconds(), j.Stopped.Seconds()
	paths := make([][]track.Fix, len(j.Legs))
	speeds := make([]map[int64]track.Optional[float64], len(j.Legs))
	for i, l := range j.Legs {
		paths[i], speeds[i] = l.Path, speedsOf(l.Path)
	}
	paths, b.SimplifiedM = boundedPaths(paths, float64(in.Simplify), mostTrackPoints)
	b.Legs = []leg{}
	for i, l := range j.Legs {
		b.Legs = append(b.Legs, toLeg(l, paths[i], speeds[i]))
	}
	return out, nil
}

func toLeg(l journey.Leg, path []track.Fix, speeds map[int64]track.Optional[float64]) leg {
	out := leg{Kind: l.Kind, From: l.From, To: l.To, DurationS: l.Duration().Seconds(), DistanceM: decimetres(l.DistanceM), SilentS: l.Silent.Seconds()}
	if l.Kind == journey.Stop {
		out.Lat, out.Lon = track.Some(degrees(l.Lat)), track.Some(degrees(l.Lon))
	}
	for _, f := range path {
		p := point{At: f.RecordedAt, Lat: f.Lat, Lon: f.Lon}
		if l.Kind == journey.Trip {
			p.SpeedMPS = speeds[f.RecordedAt.UnixMicro()]
		}
		out.Points = append(out.Points, p)
	}
	return out
}

// speedsOf returns the speed at each moment of a path, before any point of it is
// left out.
func speedsOf(path []track.Fix) map[int64]track.Optional[float64] {
	speeds := make(map[int64]track.Optional[float64], len(path))
	for i, f := range path {
		speed := f.SpeedMPS
		if !speed.Known && i > 0 {
			before := path[i-1]
			if s := f.RecordedAt.Sub(before.RecordedAt).Seconds(); s > 0 {
				speed = track.Some(math.Round(100*track.DistanceM(before.Lat, before.Lon, f.Lat, f.Lon)/s) / 100)
			}
		}
		speeds[f.RecordedAt.UnixMicro()] = speed
	}
	return speeds
}

// parseRange reads a stretch of at most so many days; the last day if nothing is
// said.
func parseRange(fromText, toText string, now time.Time, days int) (from, to time.Time, err error) {
	from, err1 := parseTime("from", fromText)
	to, err2 := parseTime("to", toText)
	if err := errors.Join(err1, err2); err != nil {
		return from, to, err
	}
	if to.IsZero() {
		to = now.UTC()
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, -1)
	}
	switch {
	case !from.Before(to):
		return from, to, track.Invalid("from", "%s must be before to, %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case to.Sub(from) > time.Duration(days)*24*time.Hour+time.Hour: // a week in which the clocks are set back
		return from, to, track.Invalid("from", "to to are more than %d days: ask for a part at a time", days)
	}
	return from, to, nil
}

func decimetres(m float64) float64 { return math.Round(m*10) / 10 }
func degrees(d float64) float64    { return math.Round(d*1e7) / 1e7 }
