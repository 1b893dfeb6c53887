package payload_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"fieldcast/payload"
	"fieldcast/track"
)

// vector is a line of the collected payloads of other projects.
type vector struct {
	ID        string `json:"id"`
	Transport struct {
		Topic string `json:"topic"`
	} `json:"transport"`
	Body   *string `json:"body"`
	Expect struct {
		Outcome string                       `json:"outcome"`
		Kind    string                       `json:"kind"`
		Points  []map[string]json.RawMessage `json:"points"`
	} `json:"expect"`
}

// argued are the vectors that are read otherwise than their source does.
var argued = map[string]struct{ outcome, why string }{
	"owntracks-android-010": {"accept", "the source wants a tid or topic because it reads HTTP; an MQTT topic names the device"},
	"owntracks-android-014": {"reject", "the source ignores it; here nothing is dropped in silence, so it is stored as rejected, with the reason"},
	// The fix has its place. That its accuracy is unknown says that it is not to
	// be trusted; that its time is of 1970 keeps it from the shown position.
	"owntracks-homeassistant-004": {"accept", "accuracy 0 is unknown"},
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t), "vectors", "owntracks-*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Skipf("needs the folder vectors, with owntracks-*.jsonl, in $FIELDCAST_SHARED or ../shared (%v)", err)
	}
	lines := 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		scanner := bufio.NewScanner(f)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			var v vector
			if err := json.Unmarshal(scanner.Bytes(), &v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			lines++
			t.Run(v.ID, func(t *testing.T) { checkVector(t, v) })
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d vectors", lines)
}

// shared returns the folder with recordings and vectors that are not part of
// the repository.
func shared(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("FIELDCAST_SHARED"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "shared")
}

func checkVector(t *testing.T, v vector) {
	if v.Body == nil {
		t.Fatal("the vector has no body")
	}
	outcome := v.Expect.Outcome
	if a, ok := argued[v.ID]; ok {
		outcome = a.outcome
	}
	m := payload.Decode("", []byte(*v.Body))
	switch outcome {
	case "reject", "ignore":
		if len(m.Fixes) != 0 {
			t.Errorf("a position was stored: %+v", m.Fixes)
		}
		if outcome == "ignore" && len(m.Problems) != 0 {
			t.Errorf("not ignored: %+v", m.Problems)
		}
	case "accept", "accept_or_reject":
		checkAccepted(t, v, m)
	default:
		t.Fatalf("outcome %q is not known to the test", outcome)
	}
}

func checkAccepted(t *testing.T, v vector, m payload.Message) {
	if len(m.Problems) != 0 {
		t.Fatalf("got problems %+v", m.Problems)
	}
	switch v.Expect.Kind {
	case "location", "transition":
		if len(m.Fixes) != max(1, len(v.Expect.Points)) {
			t.Fatalf("got %d fixes", len(m.Fixes))
		}
		for i, point := range v.Expect.Points {
			checkPoint(t, m.Fixes[i], point)
		}
	case "": // argued
		if len(m.Fixes) != 1 {
			t.Fatalf("got %d fixes", len(m.Fixes))
		}
	case "lwt":
		if m.Ignored != 1 || len(m.Fixes) != 0 {
			t.Errorf("got %+v", m)
		}
		return
	}
	if v.Expect.Kind != "location" && v.Expect.Kind != "" {
		if len(m.Reports) != 1 || m.Reports[0].Kind != v.Expect.Kind {
			t.Errorf("reports %+v, want one %s", m.Reports, v.Expect.Kind)
		}
	}
}

// number returns nil for unknown, which the vectors write as null.
func number[T int | float64](o track.Optional[T]) any {
	if !o.Known {
		return nil
	}
	return float64(o.Value)
}

// checkPoint compares every given field that a fix has. Not compared are those
// that it has not: regions, tracker ids, modes, pressure.
func checkPoint(t *testing.T, f track.Fix, point map[string]json.RawMessage) {
	got := map[string]any{
		"lat": f.Lat, "lon": f.Lon, "time": float64(f.RecordedAt.UnixMicro()) / 1e6, "trigger": f.Trigger,
		"accuracy_m": number(f.AccuracyM), "altitude_m": number(f.AltitudeM), "vertical_accuracy_m": number(f.VerticalAccuracyM),
		"speed_mps": number(f.SpeedMPS), "course_deg": number(f.CourseDeg), "battery_pct": number(f.BatteryPct),
	}
	for key, raw := range point {
		var want any
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		switch key {
		case "connection":
			networks := map[any]track.Network{
				"w": track.NetworkWiFi, "wifi": track.NetworkWiFi, "m": track.NetworkMobile, "mobile": track.NetworkMobile, "o": track.NetworkOffline,
			}
			if f.Network != networks[want] {
				t.Errorf("network %q, want %v", f.Network, want)
			}
		case "battery_state_code":
			states := map[any]track.Optional[bool]{1.0: track.Some(false), 2.0: track.Some(true), 3.0: track.Some(true)}
			if f.Charging != states[want] {
				t.Errorf("charging %+v, want %v", f.Charging, want)
			}
		case "accuracy_m":
			if want == 0.0 { // 0 is how phones say that they do not know
				want = nil
			}
			fallthrough
		default:
			if value, ok := got[key]; ok && !same(value, want) {
				t.Errorf("%s: got %v, want %v", key, value, want)
			}
		}
	}
}

// same allows for the four decimals of speeds in the vectors.
func same(got, want any) bool {
	g, ok1 := got.(float64)
	w, ok2 := want.(float64)
	if ok1 && ok2 {
		return math.Abs(g-w) <= 5e-5*math.Min(1, math.Max(math.Abs(w), 1e-4)) || g == w
	}
	return got == want
}

// Names of Wi-Fi networks in the vectors must not come out in any field.
func TestVectorsKeepNoNetworkNames(t *testing.T) {
	body := []byte(`{"_type":"location","SSID":"Home Wifi","BSSID":"b0:f2:8:45:94:33","lat":1,"lon":2,"tst":3}`)
	for _, report := range [][]byte{body, bytes.Replace(body, []byte("location"), []byte("transition"), 1)} {
		m := payload.Decode("", report)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.Reports {
			out = append(out, r.Body...)
		}
		if bytes.Contains(out, []byte("Wifi")) || bytes.Contains(out, []byte("b0:")) {
			t.Errorf("kept: %s", out)
		}
	}
}
