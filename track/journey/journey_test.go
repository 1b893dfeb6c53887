package journey_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fieldcast/simulate"
	"fieldcast/track"
	"fieldcast/track/journey"
)

var eight = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

// tape records a made-up day.
type tape struct {
	fixes    []track.Fix
	at       time.Time
	lat, lon float64
	every    time.Duration
	noise    *rand.Rand
	noiseM   float64
	accuracy float64
}

func newTape() *tape {
	return &tape{at: eight, lat: 48, lon: 11, every: 20 * time.Second, noise: rand.New(rand.NewPCG(1, 2)), noiseM: 8, accuracy: 10}
}

const metresPerDegree = 111195.08

func (p *tape) put() *track.Fix {
	scatter := func() float64 { return p.noise.NormFloat64() * p.noiseM / metresPerDegree }
	p.fixes = append(p.fixes, track.Fix{
		Lat: p.lat + scatter(), Lon: p.lon + scatter(), AccuracyM: track.Some(p.accuracy), RecordedAt: p.at, ReceivedAt: p.at,
	})
	p.at = p.at.Add(p.every)
	return &p.fixes[len(p.fixes)-1]
}

func (p *tape) stay(d time.Duration) *tape {
	for end := p.at.Add(d); p.at.Before(end); {
		p.put()
	}
	return p
}

// walk goes north.
func (p *tape) walk(metres, mps float64) *tape {
	for done := 0.0; done < metres; done += mps * p.every.Seconds() {
		p.lat += mps * p.every.Seconds() / metresPerDegree
		p.put()
	}
	return p
}

func (p *tape) silence(d time.Duration) *tape { p.at = p.at.Add(d); return p }

// stray puts a fix elsewhere.
func (p *tape) stray(metres, accuracy float64) *tape {
	f := p.put()
	f.Lat += metres / metresPerDegree
	f.AccuracyM = track.Some(accuracy)
	return p
}

func shape(j journey.Journey) string {
	var kinds []string
	for _, l := range j.Legs {
		kinds = append(kinds, string(l.Kind))
	}
	return strings.Join(kinds, " ")
}

func TestDerive(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tape  *tape
		shape string
		km    float64 // ±10 %
	}{
		{"nothing", newTape(), "", 0},
		{"one fix", newTape().stay(time.Second), "", 0},
		{"a day at a desk", newTape().stay(8 * time.Hour), "stop", 0},
		{"stop, drive, stop", newTape().stay(10*time.Minute).walk(9000, 15).stay(10 * time.Minute), "stop trip stop", 9},
		{"a walk is no stop", newTape().walk(4000, 1.2), "trip", 4},
		{"waiting at a light", newTape().walk(3000, 12).stay(2*time.Minute).walk(3000, 12), "trip", 6},
		{"three minutes and a bit", newTape().walk(3000, 12).stay(210*time.Second).walk(3000, 12), "trip stop trip", 6},
		{"stray by accuracy", newTape().stay(10*time.Minute).stray(3000, 2000).stay(10 * time.Minute), "stop", 0},
		{"stray that claims to be accurate", newTape().stay(10*time.Minute).stray(900, 10).stay(10 * time.Minute), "stop", 0},
		{"a jump on the way", newTape().walk(3000, 12).stray(90_000, 10).walk(3000, 12), "trip", 6},
		{"three jumps in a row", newTape().walk(3000, 12).stray(90_000, 10).stray(90_000, 10).stray(90_000, 10).walk(3000, 12), "trip", 6},
		{"a jump at the end", newTape().walk(3000, 12).stray(90_000, 10), "trip", 3},
		{"a jump at the beginning", newTape().stray(90_000, 10).walk(3000, 12), "trip", 3},
		{"silence on the way", newTape().walk(3000, 12).silence(10*time.Minute).walk(3000, 12), "trip gap trip", 6},
		{"silence at a stop", newTape().stay(10 * time.Minute).silence(2 * time.Hour).stay(10 * time.Minute), "stop", 0},
		{"two fixes of a phone that sleeps", newTape().stay(time.Second).silence(20 * time.Minute).stay(time.Second), "stop", 0},
		{"off in one place, on in another", newTape().stay(10*time.Minute).silence(time.Hour).walk(240, 240.0/20).stay(10 * time.Minute), "stop gap stop", 0},
	} {
		j := journey.DefaultRules().Derive(tt.tape.fixes)
		if got := shape(j); got != tt.shape || math.Abs(j.DistanceM/1000-tt.km) > tt.km/10+0.05 {
			t.Errorf("%s: got %q, %.0f m; want %q, %v km", tt.name, got, j.DistanceM, tt.shape, tt.km)
		}
	}
}

func TestStopDetails(t *testing.T) {
	p := newTape().stay(10*time.Minute).stray(900, 10).stray(3000, 2000).stay(time.Minute).silence(time.Hour).stay(10 * time.Minute)
	j := journey.DefaultRules().Derive(p.fixes)
	if len(j.Legs) != 1 {
		t.Fatalf("got %+v", j.Legs)
	}
	s := j.Legs[0]
	if track.DistanceM(s.Lat, s.Lon, 48, 11) > 10 {
		t.Errorf("strays have moved the centre to %v, %v", s.Lat, s.Lon)
	}
	if s.Silent < time.Hour || s.Silent > time.Hour+time.Minute || j.Stopped != s.Duration() || j.Moving != 0 || j.Ignored != 1 || j.Fixes != len(p.fixes) {
		t.Errorf("got %+v of %+v", s, j)
	}
}

func TestAcrossTheDateLine(t *testing.T) {
	p := newTape()
	p.lat, p.lon = 0, 180
	p.stay(10*time.Minute).walk(3000, 12).stay(10 * time.Minute)
	for i := range p.fixes {
		p.fixes[i].Lon = math.Remainder(p.fixes[i].Lon, 360)
	}
	j := journey.DefaultRules().Derive(p.fixes)
	if shape(j) != "stop trip stop" || math.Abs(math.Abs(j.Legs[0].Lon)-180) > 0.001 {
		t.Errorf("got %s, centre at %v", shape(j), j.Legs[0].Lon)
	}
}

// random makes a day of random parts.
func random(seed uint64) []track.Fix {
	r := rand.New(rand.NewPCG(seed, 7))
	p := newTape()
	p.noise = r
	p.every = time.Duration(1+r.IntN(60)) * time.Second
	for range 3 + r.IntN(12) {
		switch r.IntN(5) {
		case 0:
			p.stay(time.Duration(r.IntN(1800)) * time.Second)
		case 1:
			p.walk(r.Float64()*3000, 0.5+r.Float64()*30)
		case 2:
			p.silence(time.Duration(r.IntN(3600)) * time.Second)
		case 3:
			p.stray(r.Float64()*100_000, r.Float64()*500)
		case 4:
			p.put()
			p.fixes = append(p.fixes, p.fixes[r.IntN(len(p.fixes))]) // sent again
		}
	}
	return p.fixes
}

// What arrives late, or twice, changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(60) {
		fixes := random(seed)
		want := journey.DefaultRules().Derive(fixes)
		shuffled := append([]track.Fix{}, fixes...)
		rand.New(rand.NewPCG(seed, 9)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := journey.DefaultRules().Derive(append(shuffled, fixes...)); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: another order gives another journey", seed)
		}
	}
}

// Legs follow each other without overlap, and their sums are those of the
// journey.
func TestSums(t *testing.T) {
	for seed := range uint64(150) {
		check(t, fmt.Sprint("seed ", seed), random(seed))
	}
}

func check(t *testing.T, name string, fixes []track.Fix) journey.Journey {
	t.Helper()
	j := journey.DefaultRules().Derive(fixes)
	var metres float64
	var moving, stopped time.Duration
	at := j.First
	for i, l := range j.Legs {
		if l.From.Before(at) || !l.From.Before(l.To) || l.To.After(j.Last) {
			t.Fatalf("%s: leg %d from %v to %v, after one until %v", name, i, l.From, l.To, at)
		}
		at = l.To
		along := 0.0
		for k := 1; k < len(l.Path); k++ {
			along += track.DistanceM(l.Path[k-1].Lat, l.Path[k-1].Lon, l.Path[k].Lat, l.Path[k].Lon)
			if l.Path[k].RecordedAt.Before(l.Path[k-1].RecordedAt) {
				t.Fatalf("%s: leg %d goes back in time", name, i)
			}
		}
		if math.Abs(along-l.DistanceM) > 1e-6 {
			t.Fatalf("%s: leg %d of %v m is %v m long", name, i, l.DistanceM, along)
		}
		switch l.Kind {
		case journey.Trip:
			metres += l.DistanceM
			moving += l.Duration()
		case journey.Stop:
			stopped += l.Duration()
			if l.Duration() < 180*time.Second {
				t.Fatalf("%s: a stop of %v", name, l.Duration())
			}
		case journey.Gap:
			if l.Duration() <= 5*time.Minute {
				t.Fatalf("%s: a gap of %v", name, l.Duration())
			}
		}
	}
	if math.Abs(metres-j.DistanceM) > 1e-6 || moving != j.Moving || stopped != j.Stopped {
		t.Fatalf("%s: the legs sum to %v m, %v, %v; the journey has %v m, %v, %v", name, metres, moving, stopped, j.DistanceM, j.Moving, j.Stopped)
	}
	return j
}

// Two ranges that are cut in the middle of a stop give the distance of both.
func TestDistanceIsAdditive(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := newTape().stay(10*time.Minute).walk(1000+r.Float64()*5000, 5+r.Float64()*20).stay(10 * time.Minute)
		cut := len(p.fixes)
		p.stay(10*time.Minute).walk(1000+r.Float64()*5000, 5+r.Float64()*20).stay(10 * time.Minute)
		rules := journey.DefaultRules()
		whole := rules.Derive(p.fixes).DistanceM
		if parts := rules.Derive(p.fixes[:cut]).DistanceM + rules.Derive(p.fixes[cut:]).DistanceM; math.Abs(whole-parts) > 1 {
			t.Errorf("seed %d: %.1f m, but its parts %.1f m", seed, whole, parts)
		}
	}
}

// The real recordings: what is derived stays within what is known of them. Some
// km of the lake and of the train rides lie in gaps, without a usable fix.
func TestRecordings(t *testing.T) {
	dir := os.Getenv("FIELDCAST_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	for file, want := range map[string]struct {
		km         [2]float64
		stops      [2]int
		tripsGoFor time.Duration // moving, at least
	}{
		"bike-lake-cerknica-2010-08-05.gpx":   {[2]float64{3, 15}, [2]int{0, 10}, 30 * time.Minute},
		"hike-korita-zbevnica-2010-10-03.gpx": {[2]float64{3, 7}, [2]int{0, 12}, time.Hour},
		"car-visnjan-2020-12-18.gpx":          {[2]float64{2, 3}, [2]int{0, 2}, 5 * time.Minute},
		"run-visnjan-2014-08-22.gpx":          {[2]float64{4, 4.6}, [2]int{0, 0}, 30 * time.Minute},
		"bus-limerick-304-2019-02-18.gpx":     {[2]float64{12, 14.5}, [2]int{0, 6}, 40 * time.Minute},
		"hike-julian-alps-2016-07-22.gpx":     {[2]float64{5.5, 7.6}, [2]int{0, 14}, 90 * time.Minute},
		"phone-android-p1-2015-07-22.json":    {[2]float64{30, 64}, [2]int{2, 20}, time.Hour},
		"phone-android-p1-2016-01-12.json":    {[2]float64{20, 135}, [2]int{1, 15}, 50 * time.Minute},
		"phone-android-p1-2016-08-15.json":    {[2]float64{60, 162}, [2]int{2, 20}, time.Hour},
		"phone-android-p2-2016-06-15.json":    {[2]float64{1, 10.5}, [2]int{1, 15}, 20 * time.Minute},
		"phone-ios-p3-2016-02-22.json":        {[2]float64{8, 16}, [2]int{1, 12}, 20 * time.Minute},
		"phone-ios-p4-2016-02-22.json":        {[2]float64{8, 17.5}, [2]int{1, 12}, 20 * time.Minute},
	} {
		path := filepath.Join(dir, "traces", file)
		if _, err := os.Stat(path); err != nil {
			t.Skipf("needs recorded tracks in the folder traces of $FIELDCAST_SHARED or ../shared: %v", err)
		}
		fixes, err := simulate.ReadTrack(path)
		if err != nil {
			t.Fatal(err)
		}
		j := check(t, file, fixes)
		stops := strings.Count(shape(j), "stop")
		t.Logf("%s: %d fixes, %d ignored, %.1f km, moving %v, stopped %v: %s", file, j.Fixes, j.Ignored, j.DistanceM/1000, j.Moving.Round(time.Minute), j.Stopped.Round(time.Minute), shape(j))
		if km := j.DistanceM / 1000; km < want.km[0] || km > want.km[1] || stops < want.stops[0] || stops > want.stops[1] || j.Moving < want.tripsGoFor {
			t.Errorf("%s: %.1f km, %d stops, moving %v; plausible are %+v", file, km, stops, j.Moving, want)
		}
	}
}

func BenchmarkDerive(b *testing.B) {
	p := newTape()
	p.every = 30 * time.Second
	for range 8 {
		p.stay(2*time.Hour).walk(30_000, 8)
	}
	b.ReportAllocs()
	b.Logf("%d fixes", len(p.fixes))
	for b.Loop() {
		journey.DefaultRules().Derive(p.fixes)
	}
}
