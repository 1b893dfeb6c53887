package track_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"

	"fieldcast/track"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func fix(at time.Time, change ...func(*track.Fix)) track.Fix {
	f := track.Fix{Company: "acme", Employee: "e17", Lat: 12.97162, Lon: 77.59456, AccuracyM: track.Some(8.0), RecordedAt: at, ReceivedAt: at}
	for _, c := range change {
		c(&f)
	}
	return f
}

func accuracy(m float64) func(*track.Fix) {
	return func(f *track.Fix) { f.AccuracyM = track.Some(m) }
}

func received(at time.Time) func(*track.Fix) { return func(f *track.Fix) { f.ReceivedAt = at } }

func TestJudge(t *testing.T) {
	limits := track.DefaultLimits()
	far := func(f *track.Fix) { f.Lat++ } // 111 km
	before := fix(noon)
	for _, tt := range []struct {
		name   string
		fix    track.Fix
		before *track.Fix
		want   string
	}{
		{"ordinary", fix(noon), nil, "ok"},
		{"clock a little ahead", fix(noon.Add(time.Minute), received(noon)), nil, "ok"},
		{"clock ahead", fix(noon.Add(61*time.Second), received(noon)), nil, "future"},
		{"late upload of an hour", fix(noon.Add(-time.Hour), received(noon)), nil, "ok"},
		{"late upload of two days", fix(noon.Add(-48*time.Hour), received(noon)), nil, "stale"},
		{"clock never set", fix(time.Unix(0, 0), received(noon)), nil, "stale"},
		{"coarse", fix(noon, accuracy(2000)), nil, "inaccurate"},
		{"simulated", fix(noon, func(f *track.Fix) { f.Mock = track.Some(true) }), nil, "mock"},
		{"111 km in a minute", fix(noon.Add(time.Minute), far), &before, "jump"},
		{"111 km in an hour", fix(noon.Add(time.Hour), far), &before, "ok"},
		{"111 km, but only a guess", fix(noon.Add(time.Minute), far, accuracy(110_000)), &before, "inaccurate"},
		{"same second, next door", fix(noon, func(f *track.Fix) { f.Lat += 1e-5 }), &before, "ok"},
		{"several", fix(noon.Add(-48*time.Hour), received(noon), accuracy(900)), nil, "stale,inaccurate"},
	} {
		if got := limits.Judge(tt.fix, tt.before).String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNewer(t *testing.T) {
	limits := track.DefaultLimits()
	for _, tt := range []struct {
		name         string
		newer, older track.Fix
	}{
		{"by time", fix(noon.Add(time.Second)), fix(noon)},
		{"accurate before inaccurate of nine minutes later", fix(noon), fix(noon.Add(9*time.Minute), accuracy(900))},
		{"inaccurate of eleven minutes later", fix(noon.Add(11*time.Minute), accuracy(900)), fix(noon)},
		{"present before future of an earlier moment", fix(noon.Add(time.Minute)), fix(noon.Add(1000*time.Hour), received(noon))},
		{"same time, better accuracy", fix(noon, accuracy(5)), fix(noon, accuracy(9))},
	} {
		if !limits.Newer(tt.newer, tt.older) || limits.Newer(tt.older, tt.newer) {
			t.Errorf("%s: wrong order", tt.name)
		}
	}
	if limits.Plausible(fix(time.Unix(1, 0))) || !limits.Plausible(fix(noon)) {
		t.Error("1970 must not be plausible, noon must be")
	}
}

// The newest of many fixes is the same in every order of arrival.
func TestNewerDoesNotDependOnOrder(t *testing.T) {
	limits := track.DefaultLimits()
	random := rand.New(rand.NewPCG(1, 2))
	fixes := make([]track.Fix, 40)
	for i := range fixes {
		at := noon.Add(time.Duration(random.IntN(1200)) * time.Second)
		fixes[i] = fix(at, received(noon.Add(time.Duration(random.IntN(1200))*time.Second)), accuracy(float64(random.IntN(4)*100)),
			func(f *track.Fix) { f.Lat += random.Float64() })
	}
	newest := func() track.Fix {
		best := fixes[0]
		for _, f := range fixes[1:] {
			if limits.Newer(f, best) {
				best = f
			}
		}
		return best
	}
	want := newest()
	for range 200 {
		random.Shuffle(len(fixes), func(i, j int) { fixes[i], fixes[j] = fixes[j], fixes[i] })
		if got := newest(); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

func TestScaleKeepsWhatCounts(t *testing.T) {
	property := func(lat, lon int32, us int64, acc uint16, unknown bool) bool {
		f := track.Fix{
			Lat: float64(lat%900000000) / 1e7, Lon: float64(lon%1800000000) / 1e7,
			RecordedAt: time.UnixMicro(us % 4e15).UTC(), AccuracyM: track.Some(float64(acc)),
		}
		if unknown {
			f.AccuracyM = track.Optional[float64]{}
		}
		r := f.Round()
		return math.Abs(r.Lat-f.Lat) <= 0.5e-7 && math.Abs(r.Lon-f.Lon) <= 0.5e-7 && r.RecordedAt.Equal(f.RecordedAt) &&
			r.AccuracyM == f.AccuracyM && !r.SpeedMPS.Known && r.Scale() == f.Scale() && r.Scale().Digest() == f.Scale().Digest()
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

func TestDigest(t *testing.T) {
	base := fix(noon)
	again := base
	again.BatteryPct, again.Trigger, again.Seq = track.Some(3), "p", 9
	if base.Scale().Digest() != again.Scale().Digest() {
		t.Error("a fix sent again as a sign of life is another fix")
	}
	for name, change := range map[string]func(*track.Fix){
		"time":     func(f *track.Fix) { f.RecordedAt = noon.Add(time.Microsecond) },
		"place":    func(f *track.Fix) { f.Lon += 1e-7 },
		"accuracy": func(f *track.Fix) { f.AccuracyM = track.Some(9.0) },
		"unknown":  func(f *track.Fix) { f.AccuracyM = track.Optional[float64]{} },
		"speed 0":  func(f *track.Fix) { f.SpeedMPS = track.Some(0.0) },
	} {
		if other := fix(noon, change); other.Scale().Digest() == base.Scale().Digest() {
			t.Errorf("another %s is the same fix", name)
		}
	}
}

func TestPositionJSON(t *testing.T) {
	p := track.Position{Fix: fix(noon), Name: "Asha Rao", State: track.StateLive}
	p.BatteryPct, p.Seq, p.Quality = track.Some(81), 9127, track.MarkJump|track.MarkMock
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"company":"acme","employee":"e17","lat":12.97162,"lon":77.59456,"accuracy_m":8,"battery_pct":81,` +
		`"recorded_at":"2026-03-02T12:00:00Z","received_at":"2026-03-02T12:00:00Z","seq":9127,"quality":"jump,mock",` +
		`"name":"Asha Rao","state":"live","changed":0}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	var back track.Position
	if err := json.Unmarshal(b, &back); err != nil || back != p {
		t.Errorf("read back %+v, %v", back, err)
	}
}

func TestStateAt(t *testing.T) {
	p := track.Position{Fix: fix(noon), IntervalS: track.Some(60.0)}
	for _, tt := range []struct {
		after time.Duration
		want  track.State
	}{{0, track.StateLive}, {2 * time.Minute, track.StateLive}, {3 * time.Minute, track.StateLate}, {7 * time.Minute, track.StateOffline}} {
		if got := p.StateAt(noon.Add(tt.after)); got != tt.want {
			t.Errorf("after %v: got %s, want %s", tt.after, got, tt.want)
		}
	}
	p.Presence = track.Online
	if got := p.StateAt(noon.Add(time.Hour)); got != track.StateLate {
		t.Errorf("connected and silent: got %s, want late", got)
	}
	p.RecordedAt = noon.Add(1000 * time.Hour) // a clock that is ahead
	p.Presence = track.Offline
	if got := p.StateAt(noon.Add(time.Hour)); got != track.StateOffline {
		t.Errorf("from the future: got %s, want offline", got)
	}
	if got := (track.Position{}).StateAt(noon); got != track.StateNever {
		t.Errorf("no fix: got %s, want never", got)
	}
}

func TestFixCursor(t *testing.T) {
	c := track.FixCursor{RecordedUS: -5, Digest: -9e18}
	back, err := track.ParseFixCursor(c.String())
	if err != nil || back != c {
		t.Errorf("got %+v, %v", back, err)
	}
	if _, err := track.ParseFixCursor("1;2"); err == nil {
		t.Error("nonsense was read as a cursor")
	}
}

// FuzzFixCursor: what is taken for a cursor is the place that it is written as.
func FuzzFixCursor(f *testing.F) {
	for _, s := range []string{"", "1_2", "-9223372036854775808_9223372036854775807", "1;2", "1_2_3", "+1_-0", "9223372036854775808_0", "0x1_1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := track.ParseFixCursor(s)
		if err != nil {
			if !errors.Is(err, track.ErrInvalid) {
				t.Errorf("%q: %v is not ErrInvalid", s, err)
			}
			return
		}
		if back, err := track.ParseFixCursor(c.String()); err != nil || back != c {
			t.Errorf("%q is %+v, and then %+v, %v", s, c, back, err)
		}
	})
}

func TestDistanceM(t *testing.T) {
	// One degree of a great circle of the mean Earth.
	if got, want := track.DistanceM(0, 0, 1, 0), 111195.08; math.Abs(got-want) > 0.1 {
		t.Errorf("got %f, want %f", got, want)
	}
	if got := track.DistanceM(0, 179.9999, 0, -179.9999); got > 30 {
		t.Errorf("across the date line: %f m", got)
	}
}
