package row_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "Asha Rao", "a\x00b", "\xff\xfe", "ä\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := row.Text(s)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
			t.Fatalf("Text(%q) = %q cannot be stored", s, got)
		}
		if utf8.ValidString(s) && !strings.ContainsRune(s, 0) && got != s {
			t.Fatalf("Text(%q) = %q, and nothing was wrong with it", s, got)
		}
	})
}

func FuzzFix(f *testing.F) {
	f.Add(12.97, 77.59, 8.0, int64(1793491230000000), 81, uint64(7), "t", "wifi")
	f.Add(math.NaN(), math.Inf(1), -1.0, int64(math.MinInt64), math.MinInt, uint64(math.MaxUint64), "\x00", "\xff")
	f.Fuzz(func(t *testing.T, lat, lon, accuracy float64, us int64, battery int, seq uint64, trigger, network string) {
		in := track.Fix{
			Lat: lat, Lon: lon, AccuracyM: track.Some(accuracy), RecordedAt: time.UnixMicro(us), ReceivedAt: time.UnixMicro(us),
			BatteryPct: track.Some(battery), Seq: seq, Trigger: row.Text(trigger), Network: track.Network(row.Text(network)),
		}.Round()
		r, err := row.FromFix(in)
		if err != nil {
			return
		}
		var out track.Fix
		if err := r.ToFix(&out); err != nil {
			t.Fatal(err)
		}
		if one := in.Network; one == "w" || one == "m" || one == "o" {
			out.Network = one // the letters that stand for the known networks
		}
		if out != in {
			t.Fatalf("\n got %+v\nwant %+v", out, in)
		}
	})
}

// A bit that has changed in what was measured is noticed.
func TestDamagedFix(t *testing.T) {
	good, err := row.FromFix(track.Fix{Lat: 1, Lon: 2, AccuracyM: track.Some(3.0), RecordedAt: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(r *row.Fix){
		"time":     func(r *row.Fix) { r.RecordedUS ^= 1 << 40 },
		"latitude": func(r *row.Fix) { r.LatE7 ^= 1 },
		"course":   func(r *row.Fix) { r.CourseDD = 0 },
		"digest":   func(r *row.Fix) { r.Digest ^= 1 << 63 >> 1 },
	} {
		r, f := good, track.Fix{}
		change(&r)
		if err := r.ToFix(&f); !errors.Is(err, row.ErrDamaged) || f != (track.Fix{}) {
			t.Errorf("%s: got %+v, error %v", name, f, err)
		}
	}
}

func TestBound(t *testing.T) {
	at := time.UnixMicro(1_000_000)
	for _, c := range []struct {
		name string
		at   time.Time
		want int64
	}{
		{"zero", time.Time{}, 42},
		{"whole", at, 1_000_000},
		{"a nanosecond more", at.Add(1), 1_000_001},
		{"a nanosecond less", at.Add(-1), 1_000_000},
		{"before 1970", time.UnixMicro(-5).Add(1), -4},
	} {
		if got := row.Bound(c.at, 42); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
