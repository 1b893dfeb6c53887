package e2e_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/simulate/crowd"
)

func needRedis(t *testing.T) {
	t.Helper()
	if os.Getenv("FIELDCAST_TEST_REDIS") == "" {
		t.Skip("needs Redis: set FIELDCAST_TEST_REDIS to a redis:// URL, or run scripts/test")
	}
}

// ownRedis starts a Redis of the test's own.
func ownRedis(t *testing.T, settings ...string) (dir, url string) {
	t.Helper()
	needRedis(t)
	dir = t.TempDir()
	url, err := binary.Redis(append([]string{"start", dir}, settings...)...)
	must(t, err)
	t.Cleanup(func() { redis(t, "stop", dir, "-m", "immediate") })
	return dir, url
}

func redis(t *testing.T, args ...string) {
	t.Helper()
	_, err := binary.Redis(args...)
	must(t, err)
}

// TestJournalInRedis: the journal is in Redis. Redis and the server are killed
// under load, each alone and both together; everything acknowledged is stored.
func TestJournalInRedis(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		dir, url := ownRedis(t)
		s := newServer(t, database)
		s.Env = binary.JournalInRedis(url)
		s.start()
		s.cli("company", "add", "acme")
		const rate = 500
		end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, 100), Rate: rate, Duration: 12 * time.Second})
		moves := func() {
			t.Helper()
			before := s.metric("fieldcast_publishes_acked_total")
			eventually(t, 60*time.Second, "phones are acknowledged", func() bool { return s.metric("fieldcast_publishes_acked_total") > before+rate/2 })
		}
		moves()
		redis(t, "stop", dir, "-m", "immediate")
		eventually(t, 10*time.Second, "readiness says that the journal is away", func() bool {
			code, said := s.fetch("/readyz", "")
			return code == http.StatusServiceUnavailable && strings.Contains(string(said), "journal is unavailable")
		})
		redis(t, "start", dir)
		moves()
		s.kill()
		s.start()
		moves()
		redis(t, "stop", dir, "-m", "immediate")
		s.kill()
		redis(t, "start", dir)
		s.start()
		ledger := end()
		t.Log(ledger)
		checkLedger(t, s, ledger, 3*rate)
		if code, err := s.Stop(); code != 0 || err != nil {
			t.Errorf("SIGTERM: exit code %d, %v", code, err)
		}
	})
}

// TestWeakRedis: a Redis that keeps less than is configured, and one that is in
// use by another server, are refused in one sentence.
func TestWeakRedis(t *testing.T) {
	_, url := ownRedis(t, "appendfsync", "everysec")
	refused := func(s *server, want string) {
		t.Helper()
		must(t, s.Launch())
		select {
		case <-s.Exited:
		case <-time.After(30 * time.Second):
			t.Fatal("the server does not end")
		}
		said := strings.TrimSpace(s.Log.String())
		last := said[strings.LastIndexByte(said, '\n')+1:]
		if s.ExitCode() != 1 || !strings.HasPrefix(last, "fieldcast: open journal: ") || !strings.Contains(last, want) {
			t.Errorf("exit code %d, said %s; want %q", s.ExitCode(), said, want)
		}
	}
	s := newServer(t, "")
	s.Env = binary.JournalInRedis(url)
	refused(s, "its appendfsync is everysec; set it to always, or journal.redis.durability: everysec")

	first := newServer(t, "")
	first.Env = append(binary.JournalInRedis(url), "FIELDCAST_JOURNAL_REDIS_DURABILITY=everysec")
	first.start()
	second := newServer(t, "")
	second.Env = first.Env
	refused(second, "in use by another server")
}
