package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The load generator against the server, with followers of the live frames: all
// that it counts is in the store, and the followers got it.
func TestBenchCommand(t *testing.T) {
	s := startServer(t, "")
	credentials := s.enrol("acme", 50)
	token := s.token("acme", "manager")
	out, err := s.CLI("bench", "--json", "--broker", s.MQTT, "--credentials", credentials, "--rate", "200", "--duration", "2s", "--idle", "100ms",
		"--readers", "2", "--stalled", "1", "--filter", "fc/acme/#", "--token", token, "--pid", fmt.Sprint(s.Cmd.Process.Pid))
	must(t, err)
	var steady benchOutput
	must(t, json.Unmarshal([]byte(out), &steady))
	if steady.Phones != 50 || steady.Acked < 380 || steady.Acked != steady.Published || steady.Refused != 0 {
		t.Errorf("the report is %+v", steady)
	}
	if p := steady.PubAck; p.P50 <= 0 || p.P50 > p.P99 || p.P99 > p.Max {
		t.Errorf("acknowledgements took %+v", p)
	}
	if steady.Read.Fixes != 2*steady.Acked || steady.Read.Changes == 0 || steady.Read.Age.P50 <= 0 {
		t.Errorf("of %d fixes two readers got %+v", steady.Acked, steady.Read)
	}
	if steady.Process.CPU <= 0 || steady.Process.BytesAfter < 1<<20 {
		t.Errorf("the process used %+v", steady.Process)
	}

	text, err := s.CLI("bench", "--broker", s.MQTT, "--credentials", credentials, "--phones", "10", "--eager", "--duration", "1s", "--idle", "0s", "--clean")
	must(t, err)
	var published, acked int
	line := strings.Split(text, "\n")[1]
	if _, err := fmt.Sscanf(line, "%d fixes published in 1.0 s, %d acknowledged", &published, &acked); err != nil || acked < 100 || acked != published {
		t.Errorf("it said %q (%v)", text, err)
	}
	eventually(t, 30*time.Second, "all that was acknowledged is stored", func() bool {
		return int(s.stats("acme", token).Fixes) == steady.Acked+acked
	})
}

type benchOutput struct {
	Phones    int                             `json:"phones"`
	Published int                             `json:"published"`
	Acked     int                             `json:"acked"`
	Refused   int                             `json:"connections_refused"`
	PubAck    struct{ P50, P99, Max float64 } `json:"puback_ms"`
	Read      struct {
		Fixes, Changes int
		Age            struct{ P50 float64 } `json:"age_ms"`
	}
	Process struct {
		CPU        float64 `json:"cpu_us_a_fix"`
		BytesAfter int     `json:"bytes_after"`
	}
}
