package payload_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"fieldcast/payload"
	"fieldcast/payload/internal/wire"
	"fieldcast/track"
)

// someFixes returns n fixes with every kind of column: known, unknown in
// places, constant, and changing seldom.
func someFixes(n int) []track.Fix {
	fs := make([]track.Fix, n)
	for i := range fs {
		f := track.Fix{
			Lat: 12.9716200 + float64(i)*0.0001234, Lon: -77.5945600 - float64(i%7)*0.00021,
			RecordedAt: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 30 * time.Second),
			AccuracyM:  track.Some(float64(5 + i%9)), BatteryPct: track.Some(81 - i/20),
			Charging: track.Some(i > n/2), Trigger: []string{"", "p", "t"}[i%3],
		}
		if i%4 != 0 {
			f.SpeedMPS, f.CourseDeg = track.Some(float64(i%13)/10), track.Some(float64(i*37%360))
		}
		if i%5 == 0 {
			f.AltitudeM, f.VerticalAccuracyM = track.Some(-3.5), track.Some(12.0)
		}
		f.Network = []track.Network{"", track.NetworkWiFi, track.NetworkMobile, track.NetworkOffline}[i/10%4]
		fs[i] = f
	}
	return fs
}

// kept is what a store keeps of fixes.
func kept(fs []track.Fix) []track.Fix {
	out := make([]track.Fix, len(fs))
	for i, f := range fs {
		out[i] = f.Round()
	}
	return out
}

func TestBatchRoundTrip(t *testing.T) {
	extreme := []track.Fix{
		{Lat: 90, Lon: 180, RecordedAt: time.UnixMicro(253402300799999999).UTC()},
		{Lat: -90, Lon: -180, RecordedAt: time.Unix(0, 0).UTC()},
		{Lat: 90, Lon: 180, RecordedAt: time.UnixMicro(1).UTC(), Mock: track.Some(true), Trigger: "~ !"},
	}
	same := []track.Fix{minimalFix(), minimalFix(), minimalFix()}
	for name, fs := range map[string][]track.Fix{
		"one": someFixes(1), "two": someFixes(2), "eight": someFixes(8), "nine": someFixes(9), "many": someFixes(500),
		"extreme": extreme, "the same": same, "same time, then another": append(same[:2:2], someFixes(1)...),
	} {
		t.Run(name, func(t *testing.T) {
			b, err := payload.EncodeBatch(fs)
			if err != nil {
				t.Fatal(err)
			}
			m := payload.Decode("", b)
			if len(m.Problems) > 0 || m.Format != payload.FormatBatch {
				t.Fatalf("got %+v", m)
			}
			if got, want := kept(m.Fixes), kept(fs); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestEncodeBatchRefuses(t *testing.T) {
	at := time.Unix(1707470410, 0)
	for name, fs := range map[string][]track.Fix{
		"none":        {},
		"too many":    make([]track.Fix, payload.MaxFixes+1),
		"before 1970": {{RecordedAt: time.Unix(-1, 0)}},
		"zero time":   {{}},
		"year 10000":  {{RecordedAt: time.Unix(253402300800, 0)}},
		"far future":  {{RecordedAt: time.Date(500_000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"latitude":    {{RecordedAt: at}, {RecordedAt: at, Lat: 91}},
		"longitude":   {{RecordedAt: at, Lon: math.NaN()}},
	} {
		if b, err := payload.EncodeBatch(fs); !errors.Is(err, track.ErrInvalid) || b != nil {
			t.Errorf("%s: got %x, %v", name, b, err)
		}
	}
}

// good returns a batch of three fixes that tests spoil.
func good() *wire.Batch {
	return &wire.Batch{
		Version: 1, Count: 3,
		RecordedAt: &wire.Column{First: 1707470410000000, Step: 1000000, Delta: []int64{30, 30}},
		Lat:        &wire.Column{First: 514000000, Step: 100, Delta: []int64{1, -2}},
		Lon:        &wire.Column{First: 83000000, Step: 100, Delta: []int64{1, -2}},
		Speed:      &wire.Column{First: 0, Step: 10, Delta: []int64{15}, Known: []byte{0b101}},
		Battery:    &wire.Column{First: 80, Delta: []int64{-1}, Run: []uint32{2, 1}},
		Trigger:    &wire.Column{First: 0, Delta: []int64{1, 9}},
		Triggers:   []string{"t", "p"},
	}
}

func marshal(t *testing.T, b *wire.Batch) []byte {
	t.Helper()
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestDecodeBatchShapes(t *testing.T) {
	m := payload.Decode("", marshal(t, good()))
	if len(m.Fixes) != 3 || len(m.Problems) > 0 {
		t.Fatalf("got %+v", m)
	}
	for i, want := range []struct {
		lat     float64
		speed   track.Optional[float64]
		battery int
		trigger string
	}{
		{51.4, track.Some(0.0), 80, "t"},
		{51.40001, track.Optional[float64]{}, 80, "p"},
		{51.39999, track.Some(1.5), 79, ""},
	} {
		f := m.Fixes[i]
		if f.Lat != want.lat || f.SpeedMPS != want.speed || f.BatteryPct != track.Some(want.battery) || f.Trigger != want.trigger {
			t.Errorf("fix %d: got %+v, want %+v", i, f, want)
		}
	}
	if got, want := m.Fixes[2].RecordedAt, time.Unix(1707470470, 0); !got.Equal(want) {
		t.Errorf("time %v, want %v", got, want)
	}
}

func TestDecodeBatchRefuses(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(b *wire.Batch)
		detail string
	}{
		{"version", func(b *wire.Batch) { b.Version = 2 }, "the batch has version 2; this server reads version 1"},
		{"no fixes", func(b *wire.Batch) { b.Count = 0 }, "the batch holds no fixes"},
		{"too many fixes", func(b *wire.Batch) { b.Count = math.MaxUint32 }, "the batch holds 4294967295 fixes, more than 10000"},
		{"more rows than bytes", func(b *wire.Batch) { b.Count = 10_000 }, "the column recorded_at of the batch has not one value for each of 10000 fixes"},
		{"no times", func(b *wire.Batch) { b.RecordedAt = nil }, "the batch has no column recorded_at"},
		{"no latitudes", func(b *wire.Batch) { b.Lat = nil }, "the batch has no column lat"},
		{"unknown longitudes", func(b *wire.Batch) { b.Lon.Known = []byte{3} }, "the column lon of the batch does not know every row"},
		{"times in runs", func(b *wire.Batch) { b.RecordedAt.Run = []uint32{1, 1, 1} }, "the column recorded_at of the batch has not one value for each of 3 fixes"},
		{"short column", func(b *wire.Batch) { b.Lat.Delta = b.Lat.Delta[:1] }, "the column lat of the batch has not one value for each known row"},
		{"long column", func(b *wire.Batch) { b.Speed.Delta = []int64{1, 2} }, "the column speed of the batch has not one value for each known row"},
		{"short bitmap", func(b *wire.Batch) { b.Count = 9; b.RecordedAt.Delta = make([]int64, 8) }, "the column lat of the batch has not one value for each known row"},
		{"long bitmap", func(b *wire.Batch) { b.Speed.Known = []byte{5, 0} }, "the column speed of the batch marks other rows as known than the batch has"},
		{"spare bits", func(b *wire.Batch) { b.Speed.Known = []byte{0b1001} }, "the column speed of the batch marks other rows as known than the batch has"},
		{"run of nothing", func(b *wire.Batch) { b.Battery.Run = []uint32{3, 0} }, "the column battery of the batch has not one value for each known row"},
		{"run too long", func(b *wire.Batch) { b.Battery.Run = []uint32{1, math.MaxUint32} }, "the column battery of the batch has not one value for each known row"},
		{"runs too short", func(b *wire.Batch) { b.Battery.Run = []uint32{1, 1} }, "the column battery of the batch has not one value for each known row"},
		{"runs without deltas", func(b *wire.Batch) { b.Battery.Delta = nil }, "the column battery of the batch has not one value for each known row"},
		{"step overflow", func(b *wire.Batch) { b.Lat.Step = math.MaxUint64 }, "the column lat of the batch has a value that is too large"},
		{"sum overflow", func(b *wire.Batch) { b.Lat.Delta = []int64{math.MaxInt64, 1} }, "the column lat of the batch has a value that is too large"},
		{"sum underflow", func(b *wire.Batch) { b.Lat.Delta = []int64{math.MinInt64, -1} }, "the column lat of the batch has a value that is too large"},
		{"first overflow", func(b *wire.Batch) { b.Lat.First = math.MaxInt64 }, "the column lat of the batch has a value that is too large"},
		{"first underflow", func(b *wire.Batch) { b.Lat.First = math.MinInt64; b.Lat.Delta[0] = -1 }, "the column lat of the batch has a value that is too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := good()
			tt.spoil(b)
			body := marshal(t, b)
			m := payload.Decode("", body)
			if len(m.Fixes) != 0 || len(m.Problems) != 1 || !reflect.DeepEqual(m.Problems[0].Body, body) {
				t.Fatalf("got %+v", m)
			}
			if m.Problems[0].Detail != tt.detail {
				t.Errorf("got  %s\nwant %s", m.Problems[0].Detail, tt.detail)
			}
		})
	}
}

func TestDecodeBatchKeepsGoodRows(t *testing.T) {
	b := good()
	b.Lat.Delta = []int64{3860010, -3860010} // to 90.0001 and back
	m := payload.Decode("", marshal(t, b))
	if len(m.Fixes) != 2 || len(m.Problems) != 1 || m.Err() != nil {
		t.Fatalf("got %+v", m)
	}
	p := m.Problems[0]
	if want := "fix 2 of the batch: latitude 90.0001 is not between -90 and 90"; p.Detail != want || p.Reason != track.ReasonOutOfRange {
		t.Errorf("got %s: %s, want %s", p.Reason, p.Detail, want)
	}
	if want := `{"fix":2,"recorded_at_us":1707470440000000,"lat":90.0001,"lon":8.30001}`; string(p.Body) != want {
		t.Errorf("body %s, want %s", p.Body, want)
	}
}

func TestDecodeBatchOddValuesAreUnknown(t *testing.T) {
	b := good()
	b.Battery = &wire.Column{First: 101}
	b.Speed = &wire.Column{First: -1}
	b.Accuracy = &wire.Column{First: 0}
	b.Charging = &wire.Column{First: 2}
	b.Network = &wire.Column{First: 4}
	b.Trigger = &wire.Column{First: -1}
	b.Altitude = &wire.Column{First: math.MaxInt64}
	b.Mock = &wire.Column{Known: []byte{0}}
	m := payload.Decode("", marshal(t, b))
	if len(m.Fixes) != 3 {
		t.Fatalf("got %+v", m)
	}
	if got, want := m.Fixes[0], minimalFix(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBatchCourseGoesRound(t *testing.T) {
	b := good()
	b.Course = &wire.Column{First: 3500, Step: 100, Delta: []int64{2, -72}}
	m := payload.Decode("", marshal(t, b))
	for i, want := range []float64{350, 10, 10} {
		if got := m.Fixes[i].CourseDeg; got != track.Some(want) {
			t.Errorf("fix %d: got %v, want %v", i, got, want)
		}
	}

	var fs []track.Fix
	for _, c := range []float64{350, 10, 0, 360, 180, 359.9, 0.1, 90, 200, 310, 60} {
		f := minimalFix()
		f.CourseDeg = track.Some(c)
		fs = append(fs, f)
	}
	body, err := payload.EncodeBatch(fs)
	if err != nil {
		t.Fatal(err)
	}
	if got := payload.Decode("", body).Fixes; !reflect.DeepEqual(kept(got), kept(fs)) {
		t.Errorf("got %+v, want %+v", got, fs)
	}
}

func TestPrecisionRound(t *testing.T) {
	f := minimalFix()
	f.Lat, f.RecordedAt = 51.4000149, f.RecordedAt.Add(600*time.Millisecond)
	f.AccuracyM, f.SpeedMPS, f.CourseDeg, f.AltitudeM = track.Some(0.3), track.Some(4.26), track.Some(121.2), track.Some(-3.7)
	got := payload.PhonePrecision().Round(f)
	want := minimalFix()
	want.Lat = 51.40001
	want.AccuracyM, want.SpeedMPS, want.CourseDeg, want.AltitudeM = track.Some(0.3), track.Some(4.3), track.Some(122.0), track.Some(-4.0)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := (payload.Precision{}).Round(f); !reflect.DeepEqual(got, f) {
		t.Errorf("no precision: got %+v, want %+v", got, f)
	}
}

func TestDecodeBatchIgnoresLaterColumns(t *testing.T) {
	body := append(marshal(t, good()), 0xfa, 0x01, 0x02, 'h', 'i') // field 31, two bytes
	if m := payload.Decode("", body); len(m.Fixes) != 3 || len(m.Problems) > 0 {
		t.Errorf("got %+v", m)
	}
}

// A message of any size must not cost more than its size explains.
func TestDecodeBatchHostileSizes(t *testing.T) {
	bomb := &wire.Batch{Version: 1, Count: payload.MaxFixes, Lat: &wire.Column{}, Lon: &wire.Column{}, RecordedAt: &wire.Column{}}
	body := marshal(t, bomb)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 100
	for range times {
		payload.Decode("", body)
	}
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) / times; allocated > 4096 {
		t.Errorf("a batch of %d bytes allocates %d bytes", len(body), allocated)
	}
	large := append(marshal(t, good()), make([]byte, 1<<20)...)
	if m := payload.Decode("", large); len(m.Problems) != 1 || m.Problems[0].Reason != track.ReasonTooLarge {
		t.Errorf("got %+v", m.Problems)
	}
}

func TestDecodeBatchCutAnywhere(t *testing.T) {
	body := marshal(t, good())
	for n := 1; n < len(body); n++ {
		m := payload.Decode("", body[:n])
		for _, p := range m.Problems {
			if p.Reason != track.ReasonBadBatch {
				t.Errorf("cut at %d: %+v", n, p)
			}
		}
		if len(m.Fixes)+len(m.Problems) == 0 {
			t.Errorf("cut at %d: nothing", n)
		}
	}
}

// The files are for writers of other programs: each *.hex decodes to the
// OwnTracks messages of the *.json beside it.
func TestPublishedBatches(t *testing.T) {
	for name, fs := range map[string][]track.Fix{
		"one-fix":     {{Lat: 12.97162, Lon: 77.59456, RecordedAt: time.Unix(1795428000, 0).UTC()}},
		"all-columns": withoutMock(someFixes(24)),
		"two-minutes": ride(),
	} {
		base := filepath.Join("testdata", name)
		if os.Getenv("UPDATE") != "" {
			writeVector(t, base, fs)
		}
		text, err := os.ReadFile(base + ".hex")
		if err != nil {
			t.Fatal(err)
		}
		body, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		list, err := os.ReadFile(base + ".json")
		if err != nil {
			t.Fatal(err)
		}
		batch, messages := payload.Decode("", body), payload.Decode("", list)
		if len(batch.Fixes) != len(fs) || len(batch.Problems)+len(messages.Problems) > 0 {
			t.Fatalf("%s: got %+v", name, batch)
		}
		if got, want := kept(batch.Fixes), kept(messages.Fixes); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
		if b, err := payload.EncodeBatch(fs); err != nil || hex.EncodeToString(b) != hex.EncodeToString(body) {
			t.Errorf("%s: EncodeBatch writes\n%x, %v, the file holds\n%x", name, b, err, body)
		}
	}
}

func withoutMock(fs []track.Fix) []track.Fix {
	for i := range fs {
		fs[i].Mock = track.Optional[bool]{}
	}
	return fs
}

// ride is a small example of what a phone sends: a start, a halt, a start.
func ride() []track.Fix {
	speeds := []float64{0, 4.2, 8.5, 0, 3.1}
	fs := make([]track.Fix, len(speeds))
	for i, v := range speeds {
		fs[i] = track.Fix{
			Lat: 12.97162 + float64(i)*0.0011, Lon: 77.59456 + float64(i)*0.0004,
			RecordedAt: time.Unix(1795428000+int64(30*i), 0).UTC(),
			AccuracyM:  track.Some(float64(8 + i)), SpeedMPS: track.Some(v), CourseDeg: track.Some(float64(20 + i)),
			BatteryPct: track.Some(81), Network: track.NetworkOffline, Trigger: "t",
		}
	}
	return fs
}

func writeVector(t *testing.T, base string, fs []track.Fix) {
	t.Helper()
	b, err := payload.EncodeBatch(fs)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for text := hex.EncodeToString(b); text != ""; {
		n := min(len(text), 64)
		lines, text = append(lines, text[:n]), text[n:]
	}
	var messages []string
	for _, f := range fs {
		messages = append(messages, string(payload.EncodeOwnTracks(f.Round())))
	}
	for suffix, content := range map[string]string{
		".hex":  strings.Join(lines, "\n") + "\n",
		".json": "[\n" + strings.Join(messages, ",\n") + "\n]\n",
	} {
		if err := os.WriteFile(base+suffix, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func ExampleEncodeBatch() {
	var fs []track.Fix
	for i := range 60 { // half an hour, while the phone was offline
		fs = append(fs, payload.PhonePrecision().Round(track.Fix{
			Lat: 12.97162 + float64(i)*0.0003, Lon: 77.59456, RecordedAt: time.Unix(1795428000+30*int64(i), 0),
			AccuracyM: track.Some(8.0), Network: track.NetworkOffline,
		}))
	}
	body, err := payload.EncodeBatch(fs)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := payload.Decode("", body)
	fmt.Println(len(m.Fixes), "fixes in", len(body), "bytes")
	// Output:
	// 60 fixes in 169 bytes
}
