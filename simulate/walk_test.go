package simulate_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/simulate"
	"fieldcast/track"
)

var (
	middle = simulate.Place{Lat: 12.97162, Lon: 77.59456}
	begin  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
)

// day returns what a person's phone measures in a number of hours.
func day(o simulate.WalkOptions, every time.Duration, hours int) (w *simulate.Walk, fixes []track.Fix, standing []bool) {
	w = simulate.NewWalk(o)
	for at := begin; at.Before(begin.Add(time.Duration(hours) * time.Hour)); at = at.Add(every) {
		fixes = append(fixes, w.Fix(at))
		standing = append(standing, w.Standing())
		w.Advance(every)
	}
	return w, fixes, standing
}

func TestWalkIsDeterministic(t *testing.T) {
	o := simulate.WalkOptions{Center: middle, Seed: 7, Number: 3, OfflineEvery: time.Hour}
	_, a, _ := day(o, 30*time.Second, 2)
	_, b, _ := day(o, 30*time.Second, 2)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same options gave different walks")
	}
	o.Number = 4
	if _, c, _ := day(o, 30*time.Second, 2); reflect.DeepEqual(a, c) {
		t.Error("two people walk alike")
	}
	o.Number, o.Seed = 3, 8
	if _, c, _ := day(o, 30*time.Second, 2); reflect.DeepEqual(a, c) {
		t.Error("two seeds give the same walk")
	}
}

// Nothing that a phone says may be impossible: nobody is faster than allowed,
// beyond what the accuracies explain; batteries go down unless they charge.
func TestWalkIsPlausible(t *testing.T) {
	kinds := map[string]int{}
	limits := track.DefaultLimits()
	for number := range 24 {
		for _, every := range []time.Duration{5 * time.Second, 30 * time.Second} {
			w, fixes, standing := day(simulate.WalkOptions{Center: middle, Seed: 1, Number: number, OfflineEvery: time.Hour}, every, 8)
			kinds[w.Kind()]++
			var moved float64
			stands := 0
			for i, f := range fixes {
				checkWalkFix(t, w, f, standing[i])
				if standing[i] {
					stands++
				}
				if i == 0 {
					continue
				}
				before := fixes[i-1]
				metres := track.DistanceM(before.Lat, before.Lon, f.Lat, f.Lon)
				moved += metres
				if most := w.LimitMPS()*every.Seconds() + f.AccuracyM.Value + before.AccuracyM.Value; metres > most {
					t.Fatalf("%s %d: %.0f m in %v at %v, at most %.0f are possible", w.Kind(), number, metres, every, f.RecordedAt, most)
				}
				if f.BatteryPct.Value > before.BatteryPct.Value && !before.Charging.Value && !f.Charging.Value {
					t.Fatalf("%s %d: the battery went up from %d to %d %% by itself", w.Kind(), number, before.BatteryPct.Value, f.BatteryPct.Value)
				}
				f.ReceivedAt, before.ReceivedAt = f.RecordedAt, before.RecordedAt
				if limits.Judge(f, &before).Has(track.MarkJump) {
					t.Fatalf("%s %d: jumped from %+v to %+v", w.Kind(), number, before, f)
				}
			}
			if share := float64(stands) / float64(len(fixes)); share < 0.02 || share > 0.97 || moved < 500 {
				t.Errorf("%s %d: stands %.0f %% of the time, moves %.0f m", w.Kind(), number, 100*share, moved)
			}
		}
	}
	if len(kinds) != 4 {
		t.Errorf("kinds of people: %v", kinds)
	}
}

func checkWalkFix(t *testing.T, w *simulate.Walk, f track.Fix, standing bool) {
	t.Helper()
	far := track.DistanceM(middle.Lat, middle.Lon, f.Lat, f.Lon)
	switch {
	case far > 12_000:
		t.Fatalf("%.0f m from the town", far)
	case f.SpeedMPS.Value > w.LimitMPS() || f.SpeedMPS.Value < 0:
		t.Fatalf("speed %v of a %s", f.SpeedMPS.Value, w.Kind())
	case f.CourseDeg.Value < 0 || f.CourseDeg.Value > 360:
		t.Fatalf("course %v", f.CourseDeg.Value)
	case !(f.AccuracyM.Value > 1 && f.AccuracyM.Value < 400):
		t.Fatalf("accuracy %v", f.AccuracyM.Value)
	case f.BatteryPct.Value < 5 || f.BatteryPct.Value > 100:
		t.Fatalf("battery %v", f.BatteryPct.Value)
	case standing && (f.Trigger != "p" || f.SpeedMPS.Value > 0 || f.CourseDeg.Known):
		t.Fatalf("standing, yet %+v", f)
	case !standing && f.Trigger != "t":
		t.Fatalf("moving, yet %+v", f)
	}
}

// Course and place must tell the same story: where the accuracy is good, most
// steps of a straight line point where the course says.
func TestWalkCourseFollowsMovement(t *testing.T) {
	agree, all := 0, 0
	for number := range 12 {
		w, fixes, _ := day(simulate.WalkOptions{Center: middle, Seed: 2, Number: number, OfflineEvery: -1}, 10*time.Second, 4)
		if w.Kind() == "walker" {
			continue // slower than the noise
		}
		for i := 1; i < len(fixes); i++ {
			a, b := fixes[i-1], fixes[i]
			if !a.CourseDeg.Known || !b.CourseDeg.Known || math.Abs(a.CourseDeg.Value-b.CourseDeg.Value) > 10 || b.SpeedMPS.Value < 6 {
				continue
			}
			all++
			if between(bearing(a, b), b.CourseDeg.Value) < 30 {
				agree++
			}
		}
	}
	if all < 500 || float64(agree) < 0.93*float64(all) {
		t.Errorf("%d of %d courses agree with the movement", agree, all)
	}
}

func bearing(a, b track.Fix) float64 {
	east := (b.Lon - a.Lon) * math.Cos(a.Lat*math.Pi/180)
	return math.Atan2(east, b.Lat-a.Lat) * 180 / math.Pi
}

// between returns the angle between two directions.
func between(a, b float64) float64 { return math.Abs(math.Remainder(a-b, 360)) }

func TestWalkHasADayWithEverything(t *testing.T) {
	charging, bad, offline, wifi, turns := 0, 0, 0, 0, 0
	for number := range 10 {
		_, fixes, _ := day(simulate.WalkOptions{Center: middle, Seed: 3, Number: number, OfflineEvery: 40 * time.Minute}, 30*time.Second, 10)
		for i, f := range fixes {
			if f.Charging.Value {
				charging++
			}
			if f.AccuracyM.Value > 60 {
				bad++
			}
			switch f.Network {
			case track.NetworkOffline:
				offline++
			case track.NetworkWiFi:
				wifi++
			}
			if i > 0 && between(f.CourseDeg.Value, fixes[i-1].CourseDeg.Value) > 45 {
				turns++
			}
		}
	}
	all := 10 * 10 * 120
	for what, n := range map[string]int{"charging": charging, "bad accuracy": bad, "offline": offline, "wifi": wifi, "turns": turns} {
		if n == 0 || n > all/2 {
			t.Errorf("%s in %d of %d fixes", what, n, all)
		}
	}
}

func TestWalkCoverage(t *testing.T) {
	for _, every := range []time.Duration{-1, time.Hour} {
		w := simulate.NewWalk(simulate.WalkOptions{Center: middle, Seed: 1, Number: 1, OfflineEvery: every})
		spells, longest, length := 0, 0, 0
		for range 8 * 360 {
			was := w.Online()
			w.Advance(10 * time.Second)
			if w.Online() {
				length = 0
				continue
			}
			if was {
				spells++
			}
			length++
			longest = max(longest, length)
		}
		if every < 0 && spells > 0 {
			t.Errorf("%d spells without coverage, although there should be none", spells)
		}
		if every > 0 && (spells < 2 || spells > 20 || longest > 31) {
			t.Errorf("%d spells, the longest %d s", spells, 10*longest)
		}
	}
}

// A phone must not depend on how often it is asked.
func TestWalkFixChangesNothing(t *testing.T) {
	o := simulate.WalkOptions{Center: middle, Seed: 1, Number: 2}
	a, b := simulate.NewWalk(o), simulate.NewWalk(o)
	for range 100 {
		for range 3 {
			b.Fix(begin)
		}
		a.Advance(7 * time.Second)
		b.Advance(7 * time.Second)
	}
	if !reflect.DeepEqual(a.Fix(begin), b.Fix(begin)) {
		t.Error("asking changed the walk")
	}
}

// Towns may lie anywhere that people live, the date line included.
func TestWalkAnywhere(t *testing.T) {
	for _, center := range []simulate.Place{{}, {Lat: 80, Lon: 180}, {Lat: -80, Lon: -180}, {Lat: -16.8, Lon: 179.999}} {
		for number := range 4 {
			_, fixes, _ := day(simulate.WalkOptions{Center: center, Seed: 1, Number: number}, time.Minute, 2)
			for _, f := range fixes {
				m := payload.Decode("", payload.EncodeOwnTracks(f))
				if len(m.Fixes) != 1 {
					t.Fatalf("%v: %v", center, m.Err())
				}
				if far := track.DistanceM(center.Lat, center.Lon, f.Lat, f.Lon); far > 12_000 {
					t.Fatalf("%v: %.0f m away", center, far)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	names := simulate.Names(5000, 1)
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || seen[n] {
			t.Fatalf("name %q twice, or empty", n)
		}
		seen[n] = true
	}
	if !reflect.DeepEqual(simulate.Names(10, 1), names[:10]) {
		t.Error("fewer names are other names")
	}
	if reflect.DeepEqual(simulate.Names(10, 2), names[:10]) {
		t.Error("another seed gives the same names")
	}
	if len(simulate.Names(0, 1)) != 0 || len(simulate.Names(-1, 1)) != 0 {
		t.Error("names for nobody")
	}
}
