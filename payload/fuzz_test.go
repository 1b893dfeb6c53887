package payload_test

import (
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"fieldcast/payload"
	"fieldcast/track"
)

// checkMessage holds what is true of every message that Decode returns.
func checkMessage(t *testing.T, body []byte, m payload.Message) {
	t.Helper()
	if len(m.Problems)+len(m.Fixes)+m.Ignored+len(m.Reports) == 0 {
		t.Error("nothing came out: it was dropped in silence")
	}
	if len(m.Fixes) > payload.MaxFixes {
		t.Errorf("%d fixes", len(m.Fixes))
	}
	for _, f := range m.Fixes {
		checkFix(t, f)
	}
	for _, r := range m.Reports {
		if r.Kind == "" || len(r.Body) == 0 || len(r.Body) > len(body) {
			t.Errorf("report %+v", r)
		}
	}
	for _, p := range m.Problems {
		if p.Reason == "" || p.Detail == "" || len(p.Body) == 0 {
			t.Errorf("problem %+v", p)
		}
		if !utf8.ValidString(p.Detail) || strings.ContainsFunc(p.Detail, func(r rune) bool { return !unicode.IsPrint(r) }) || len(p.Detail) > 500 {
			t.Errorf("detail %q", p.Detail)
		}
	}
	if err := m.Err(); (err != nil) != (len(m.Problems) > 0 && len(m.Fixes)+len(m.Reports)+m.Ignored == 0) {
		t.Errorf("Err() = %v", err)
	}
}

func checkFix(t *testing.T, f track.Fix) {
	t.Helper()
	within := func(name string, v track.Optional[float64], low, high float64) {
		if v.Known && !(v.Value >= low && v.Value <= high) {
			t.Errorf("%s is %v", name, v.Value)
		}
	}
	within("lat", track.Some(f.Lat), -90, 90)
	within("lon", track.Some(f.Lon), -180, 180)
	within("accuracy", f.AccuracyM, math.SmallestNonzeroFloat64, 20_037_508)
	within("altitude", f.AltitudeM, -1e5, 1e5)
	within("vertical accuracy", f.VerticalAccuracyM, 0, 1e5)
	within("speed", f.SpeedMPS, 0, 1e5)
	within("course", f.CourseDeg, 0, 360)
	if f.BatteryPct.Known && (f.BatteryPct.Value < 0 || f.BatteryPct.Value > 100) {
		t.Errorf("battery is %d", f.BatteryPct.Value)
	}
	if y := f.RecordedAt.Year(); y < 1970 || y > 9999 || f.RecordedAt.Location() != time.UTC {
		t.Errorf("time is %v", f.RecordedAt)
	}
	if len(f.Trigger) > 16 || strings.ContainsFunc(f.Trigger, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("trigger is %q", f.Trigger)
	}
	if f.Company != "" || f.Employee != "" || f.Seq != 0 || f.Quality != 0 || !f.ReceivedAt.IsZero() {
		t.Errorf("a phone has set what is the server's: %+v", f)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		minimal + `,"acc":8,"alt":920,"vac":3,"vel":36,"cog":120,"batt":81,"bs":1,"conn":"m","t":"u","SSID":"x"}`,
		`[` + minimal + `},{"_type":"location"}]`, `{"_type":"transition","lat":1,"lon":2,"tst":"3"}`,
		`{"_type":"dump","configuration":{"password":"x","a":[{"ssid":1}]}}`, `{"_type":"lwt"}`, `[]`, ``, "{\"_type\":\"\\u006c\xff\"}",
	} {
		f.Add("", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, leaf string, body []byte) {
		before := string(body)
		m := payload.Decode(leaf, body)
		if string(body) != before {
			t.Fatal("Decode changed the payload")
		}
		checkMessage(t, body, m)
		for _, r := range m.Reports {
			if again := payload.Decode(leaf, r.Body); len(again.Reports) != 1 || string(again.Reports[0].Body) != string(r.Body) {
				t.Errorf("report %q does not stay as it is", r.Body)
			}
		}
		for _, fix := range m.Fixes {
			again := payload.Decode(leaf, payload.EncodeOwnTracks(fix))
			if len(again.Fixes) != 1 || !reflect.DeepEqual(again.Fixes[0].Round(), fix.Round()) {
				t.Errorf("read back %+v, want %+v", again, fix)
			}
		}
	})
}

func FuzzDecodeBatch(f *testing.F) {
	for _, n := range []int{1, 2, 9, 40} {
		b, err := payload.EncodeBatch(someFixes(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	spoilt, err := proto.Marshal(good())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(spoilt)
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append([]byte{0x08}, body...)
		m := payload.Decode("", body)
		checkMessage(t, body, m)
		if len(m.Fixes) > len(body) {
			t.Errorf("%d fixes out of %d bytes", len(m.Fixes), len(body))
		}
		if len(m.Fixes) == 0 {
			return
		}
		again, err := payload.EncodeBatch(m.Fixes)
		if err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		if got, want := kept(payload.Decode("", again).Fixes), kept(m.Fixes); !reflect.DeepEqual(got, want) {
			t.Errorf("read back %+v, want %+v", got, want)
		}
	})
}

func BenchmarkDecodeLocation(b *testing.B) {
	body, err := os.ReadFile("testdata/location.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if m := payload.Decode("", body); len(m.Fixes) != 1 {
			b.Fatal(m.Err())
		}
	}
}

func BenchmarkDecodeBatch(b *testing.B) {
	fs := someFixes(120)
	body, err := payload.EncodeBatch(fs)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if m := payload.Decode("", body); len(m.Fixes) != len(fs) {
			b.Fatal(m.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(fs)), "ns/fix")
}

func BenchmarkEncodeOwnTracks(b *testing.B) {
	f := someFixes(3)[2]
	b.ReportAllocs()
	for b.Loop() {
		payload.EncodeOwnTracks(f)
	}
}
