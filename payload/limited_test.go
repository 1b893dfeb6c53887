package payload_test

import (
	"strings"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/track"
)

// A message with more fixes than the server takes is cut, and says so; others
// are as they were.
func TestLimited(t *testing.T) {
	fixes := make([]track.Fix, 5)
	for i := range fixes {
		fixes[i] = track.Fix{Lat: float64(i), RecordedAt: time.Unix(1_700_000_000+int64(i), 0)}
	}
	batch, err := payload.EncodeBatch(fixes)
	if err != nil {
		t.Fatal(err)
	}
	one := string(payload.EncodeOwnTracks(fixes[0]))
	list := []byte("[" + strings.Repeat(one+",", 4) + one + "]")
	for name, body := range map[string][]byte{"a batch": batch, "a list": list} {
		if m := payload.Limited(5)("", body); len(m.Fixes) != 5 || len(m.Problems) != 0 {
			t.Errorf("%s of 5, limit 5: %d fixes, %v", name, len(m.Fixes), m.Problems)
		}
		m := payload.Limited(3)("", body)
		if len(m.Fixes) != 3 || len(m.Problems) != 1 || m.Problems[0].Reason != track.ReasonTooLarge || !strings.Contains(m.Problems[0].Detail, "holds 5 fixes; this server keeps the first 3") {
			t.Errorf("%s of 5, limit 3: %d fixes, %v", name, len(m.Fixes), m.Problems)
		}
	}
}
