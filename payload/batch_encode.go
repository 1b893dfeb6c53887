package payload

import (
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"fieldcast/payload/internal/wire"
	"fieldcast/track"
)

// EncodeBatch writes fixes of one person as a Fieldcast batch, in the
// precision that is kept ([track.Fix.Scale]). It returns a [track.ErrInvalid]
// if there are none, or more than [MaxFixes], or one that [Decode] would
// refuse. See [Precision] for how to make a batch small.
func EncodeBatch(fs []track.Fix) ([]byte, error) {
	if len(fs) == 0 || len(fs) > MaxFixes {
		return nil, track.Invalid("fixes", "a batch holds 1 to %d of them, not %d", MaxFixes, len(fs))
	}
	for i, f := range fs {
		if us := f.RecordedAt.UnixMicro(); us < 0 || us >= endOfTimeUS || f.RecordedAt.Year() > 9999 {
			return nil, track.Invalid("fixes", "the time of number %d, %v, is not between the years 1970 and 9999", i+1, f.RecordedAt)
		}
		if !inRange(f.Lat, -maxLat, maxLat) || !inRange(f.Lon, -maxLon, maxLon) {
			return nil, track.Invalid("fixes", "the place of number %d, %v, %v, is not on Earth", i+1, f.Lat, f.Lon)
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(packAll(fs))
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	return b, nil
}

func packAll(fs []track.Fix) *wire.Batch {
	scaled := make([]track.Scaled, len(fs))
	for i, f := range fs {
		scaled[i] = f.Scale()
	}
	triggers, indices := triggerTable(fs)
	column := func(value func(i int) track.Optional[int64]) *wire.Column {
		values := make([]track.Optional[int64], len(fs))
		for i := range values {
			values[i] = value(i)
		}
		return pack(values)
	}
	courses := make([]track.Optional[int64], len(fs))
	for i := range courses {
		courses[i] = measured(scaled[i].CourseDD)
	}
	unwind(courses)
	times := column(func(i int) track.Optional[int64] { return track.Some(scaled[i].RecordedUS) })
	plain(times, len(fs))
	return &wire.Batch{
		Version:          batchVersion,
		Count:            uint32(len(fs)),
		RecordedAt:       times,
		Lat:              column(func(i int) track.Optional[int64] { return track.Some(int64(scaled[i].LatE7)) }),
		Lon:              column(func(i int) track.Optional[int64] { return track.Some(int64(scaled[i].LonE7)) }),
		Accuracy:         column(func(i int) track.Optional[int64] { return measured(scaled[i].AccuracyDM) }),
		Altitude:         column(func(i int) track.Optional[int64] { return measured(scaled[i].AltitudeDM) }),
		VerticalAccuracy: column(func(i int) track.Optional[int64] { return measured(scaled[i].VerticalAccuracyDM) }),
		Speed:            column(func(i int) track.Optional[int64] { return measured(scaled[i].SpeedCMS) }),
		Course:           pack(courses),
		Battery: column(func(i int) track.Optional[int64] {
			return track.Optional[int64]{Value: int64(fs[i].BatteryPct.Value), Known: fs[i].BatteryPct.Known}
		}),
		Charging: column(func(i int) track.Optional[int64] { return zeroOrOne(fs[i].Charging) }),
		Mock:     column(func(i int) track.Optional[int64] { return zeroOrOne(fs[i].Mock) }),
		Network: column(func(i int) track.Optional[int64] {
			n := slices.Index(networks[1:], fs[i].Network) + 1
			return track.Optional[int64]{Value: int64(n), Known: n > 0}
		}),
		Trigger:  column(func(i int) track.Optional[int64] { return indices[i] }),
		Triggers: triggers,
	}
}

// plain gives the times their one permitted shape.
func plain(times *wire.Column, count int) {
	var deltas []int64
	for i, run := range times.Run {
		if i > 0 {
			deltas = append(deltas, times.Delta[i-1])
		}
		deltas = append(deltas, make([]int64, run-1)...)
	}
	if times.Run != nil {
		times.Delta, times.Run = deltas, nil
	}
	if len(times.Delta) == 0 {
		times.Delta = make([]int64, count-1)
	}
}

// unwind lets courses go on beyond the circle, so that the way from one to the
// next is the short one: from 350° to 10° is 20 steps of a degree, not -340.
// What [turn] would not bring back, a first course or one of 360°, stays.
func unwind(courses []track.Optional[int64]) {
	var before track.Optional[int64]
	for i, c := range courses {
		if !c.Known {
			continue
		}
		if before.Known && c.Value != fullTurn && c.Value != 0 {
			rounds := math.Round(float64(before.Value-c.Value) / fullTurn)
			courses[i].Value += int64(rounds) * fullTurn
		}
		before = courses[i]
	}
}

func measured(v int32) track.Optional[int64] {
	return track.Optional[int64]{Value: int64(v), Known: v != track.Unknown}
}

func zeroOrOne(v track.Optional[bool]) track.Optional[int64] {
	o := track.Optional[int64]{Known: v.Known}
	if v.Value {
		o.Value = 1
	}
	return o
}

// triggerTable returns the triggers that occur, and for each fix its index.
func triggerTable(fs []track.Fix) (table []string, indices []track.Optional[int64]) {
	indices = make([]track.Optional[int64], len(fs))
	numbers := make(map[string]int64)
	for i, f := range fs {
		t := trigger([]byte(f.Trigger))
		if t == "" {
			continue
		}
		n, ok := numbers[t]
		if !ok {
			n = int64(len(table))
			numbers[t] = n
			table = append(table, t)
		}
		indices[i] = track.Some(n)
	}
	return table, indices
}

// Precision is how finely fixes are measured. Zero means as finely as kept.
// Batches are smaller the coarser it is.
type Precision struct {
	Time                 time.Duration
	PlaceDeg             float64
	AccuracyM, AltitudeM float64 // AltitudeM is for VerticalAccuracyM too
	SpeedMPS, CourseDeg  float64
}

// PhonePrecision returns what phones can really measure, in the steps in which
// their apps send it, or nearly: whole seconds, 1e-5 degree (1.1 m), whole
// metres, 0.1 m/s and 2 degrees of course.
func PhonePrecision() Precision {
	return Precision{Time: time.Second, PlaceDeg: 1e-5, AccuracyM: 1, AltitudeM: 1, SpeedMPS: 0.1, CourseDeg: 2}
}

// Round returns f with its measurements rounded to p, and its time rounded
// down, as phones do: a fix is never of a moment that has yet to come. A known
// accuracy stays above 0.
func (p Precision) Round(f track.Fix) track.Fix {
	f.RecordedAt = f.RecordedAt.Truncate(p.Time)
	f.Lat = toStep(f.Lat, p.PlaceDeg)
	f.Lon = toStep(f.Lon, p.PlaceDeg)
	f.AccuracyM.Value = max(toStep(f.AccuracyM.Value, p.AccuracyM), min(f.AccuracyM.Value, p.AccuracyM))
	f.AltitudeM.Value = toStep(f.AltitudeM.Value, p.AltitudeM)
	f.VerticalAccuracyM.Value = toStep(f.VerticalAccuracyM.Value, p.AltitudeM)
	f.SpeedMPS.Value = toStep(f.SpeedMPS.Value, p.SpeedMPS)
	f.CourseDeg.Value = toStep(f.CourseDeg.Value, p.CourseDeg)
	return f
}

func toStep(v, step float64) float64 {
	if step <= 0 {
		return v
	}
	if perUnit := math.Round(1 / step); step < 1 && math.Abs(perUnit*step-1) < 1e-9 {
		return math.Round(v*perUnit) / perUnit // decimals without noise
	}
	return math.Round(v/step) * step
}
