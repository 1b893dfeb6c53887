package e2e_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// A phone's fix reaches a reader of the stream, and the reader does not hold up
// the server's stop.
func TestStream(t *testing.T) {
	s := startServer(t, "")
	phones, err := crowd.ReadCredentials(s.enrol("acme", 1))
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTP+"/api/v1/companies/acme/stream", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+s.token("acme", "viewer"))
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	await := func(what string) bool {
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return true
			}
		}
		return false
	}
	if !await(`"complete":true`) {
		t.Fatalf("no beginning: %d", res.StatusCode)
	}
	phone := connect(t, s, phones[0])
	defer phone.Disconnect(100)
	publish(t, phone, "fc/acme/e1", payload.EncodeOwnTracks(track.Fix{Lat: 12.5, Lon: 77.5, RecordedAt: time.Now()}))
	if !await(`12.5,77.5`) {
		t.Fatal("the fix did not come")
	}
	begun := time.Now()
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(begun); took > 4*time.Second { // http would wait for 5 s
		t.Errorf("with a reader of the stream it took %v to stop", took)
	}
	if !await(`"reason":"stopping"`) {
		t.Error("the stream does not say why it ended")
	}
}
