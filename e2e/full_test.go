package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestJournalFull: while the database is away the journal grows to its limit.
// Then nothing is acknowledged any more, readiness says why, and nothing is
// lost: afterwards all that was acknowledged is stored, and the phone goes on.
func TestJournalFull(t *testing.T) {
	needPostgres(t)
	dir := t.TempDir()
	url := postgres(t, "start", dir)
	t.Cleanup(func() { postgres(t, "stop", dir) })
	s := newServer(t, newDatabase(t, url))
	config := configFile(t, "journal:\n  max_bytes: 64MiB\n")
	s.start("--config", config)
	s.cli("company", "add", "acme")
	phone := crew(t, s, 1)[0]
	token := s.token("acme", "manager")
	postgres(t, "stop", dir, "-m", "immediate")

	c := connect(t, s, phone)
	defer c.Disconnect(100)
	// Large ones that nobody can read, so that each is kept once for itself.
	body := func(i int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", 200_000)) }
	acked := 0
	for ; acked < 1000; acked++ {
		if !c.Publish("fc/acme/e1", 1, false, body(acked)).WaitTimeout(2 * time.Second) {
			break
		}
	}
	if acked < 100 || acked == 1000 {
		t.Fatalf("%d messages of 200 kB were acknowledged", acked)
	}
	code, said := s.fetch("/readyz", "")
	if code != http.StatusServiceUnavailable || !strings.Contains(string(said), "full") {
		t.Errorf("readyz: %d %s", code, said)
	}
	postgres(t, "restart", dir)
	eventually(t, 60*time.Second, "the server is ready again", func() bool { return s.status("/readyz", "") == http.StatusOK })
	// The phone has sent again by itself what was not acknowledged.
	eventually(t, 60*time.Second, "all that was acknowledged is stored, and the one that was not", func() bool {
		return s.stats("acme", token).Rejected >= int64(acked+1)
	})
	publish(t, c, "fc/acme/e1", []byte(`{"_type":"location","lat":1,"lon":2,"tst":1700000000}`))
	eventually(t, 10*time.Second, "the phone goes on", func() bool { return s.stats("acme", token).Fixes == 1 })
	t.Logf("%d messages were acknowledged before the journal was full", acked)
}
