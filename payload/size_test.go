package payload_test

import (
	"math"
	"path/filepath"
	"testing"

	"fieldcast/payload"
	"fieldcast/simulate"
	"fieldcast/track"
)

// recordings returns the tracks that phones recorded, and others, by name.
func recordings(t *testing.T) map[string][]track.Fix {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(t), "traces", "*-*"))
	if err != nil || len(files) == 0 {
		t.Skipf("needs recorded tracks in the folder traces of $FIELDCAST_SHARED or ../shared (%v)", err)
	}
	tracks := make(map[string][]track.Fix)
	for _, file := range files {
		if tracks[filepath.Base(file)], err = simulate.ReadTrack(file); err != nil {
			t.Fatal(err)
		}
	}
	return tracks
}

// sent returns the columns of the promise: time, place, accuracy, speed,
// course. Course is unknown while a phone stands, as phones have it.
func sent(fs []track.Fix) []track.Fix {
	out := make([]track.Fix, len(fs))
	for i, f := range fs {
		out[i] = payload.PhonePrecision().Round(track.Fix{
			RecordedAt: f.RecordedAt, Lat: f.Lat, Lon: f.Lon, AccuracyM: f.AccuracyM, SpeedMPS: f.SpeedMPS, CourseDeg: f.CourseDeg,
		})
	}
	return out
}

// perFurtherFix is what each fix after the first one adds to a batch.
func perFurtherFix(t *testing.T, fs []track.Fix) float64 {
	t.Helper()
	size := func(fs []track.Fix) int {
		b, err := payload.EncodeBatch(fs)
		if err != nil {
			t.Fatal(err)
		}
		return len(b)
	}
	return float64(size(fs)-size(fs[:1])) / float64(len(fs)-1)
}

// At most 8 bytes for each further fix, with time, place, accuracy, speed and
// course, in the resolution of PhonePrecision. All recordings of phones are
// measured, in batches of a quarter of an hour at 30 s and of the whole track.
func TestBatchSize(t *testing.T) {
	const promised = 8
	for name, fs := range recordings(t) {
		all := sent(fs)
		whole := perFurtherFix(t, all)
		finest := perFurtherFix(t, fs)
		sum, batches := 0.0, 0
		for start := 0; start+30 <= len(all); start += 30 {
			sum += perFurtherFix(t, all[start:start+30])
			batches++
		}
		short := sum / float64(batches)
		t.Logf("%-40s %5d fixes: %5.2f bytes each in one batch, %5.2f in batches of 30; %5.2f with every column as finely as kept",
			name, len(fs), whole, short, finest)
		if whole > promised || math.IsNaN(short) {
			t.Errorf("%s: %.2f bytes for each further fix", name, whole)
		}
	}
}

// What phones recorded comes back as it was, in the precision that is kept.
func TestBatchKeepsRecordings(t *testing.T) {
	for name, fs := range recordings(t) {
		b, err := payload.EncodeBatch(fs)
		if err != nil {
			t.Fatal(err)
		}
		m := payload.Decode("", b)
		if len(m.Fixes) != len(fs) || len(m.Problems) > 0 {
			t.Fatalf("%s: %d fixes, %v", name, len(m.Fixes), m.Problems)
		}
		for i, f := range fs {
			if got, want := m.Fixes[i].Scale(), f.Scale(); got != want {
				t.Fatalf("%s: fix %d: got %+v, want %+v", name, i, got, want)
			}
			list := payload.Decode("", payload.EncodeOwnTracks(f))
			if len(list.Fixes) != 1 || list.Fixes[0].Scale() != f.Scale() {
				t.Fatalf("%s: fix %d by OwnTracks: got %+v, want %+v", name, i, list, f)
			}
		}
	}
}
