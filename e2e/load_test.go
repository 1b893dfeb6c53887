package e2e_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// The load: what 60,000 phones at one fix in 30 s send, over 2,000 connections.
const (
	loadPhones   = 2000
	loadRate     = 2000
	loadDuration = 10 * time.Second
)

// TestLoad: what was acknowledged is stored, and nothing twice.
func TestLoad(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		ledger := drive(t, s, nil)
		settle(t, s, ledger)
	})
}

// TestKillUnderLoad: the same with kill -9 in the middle and a restart.
func TestKillUnderLoad(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		ledger := drive(t, s, func() {
			s.kill()
			s.start()
		})
		settle(t, s, ledger)
	})
}

// TestTerminateUnderLoad: SIGTERM drains, exits 0, and loses nothing.
func TestTerminateUnderLoad(t *testing.T) {
	s := startServer(t, "")
	ledger := drive(t, s, func() {
		if code := s.stop(); code != 0 {
			t.Errorf("SIGTERM: exit code %d, want 0", code)
		}
		s.start()
	})
	settle(t, s, ledger)
}

// TestDatabaseAway: PostgreSQL is stopped for 20 s under load. Phones are still
// acknowledged, the map still moves; afterwards everything is stored.
func TestDatabaseAway(t *testing.T) {
	needPostgres(t)
	dir := t.TempDir()
	url := postgres(t, "start", dir)
	t.Cleanup(func() { postgres(t, "stop", dir) })
	s := startServer(t, newDatabase(t, url))
	token := s.token("acme", "manager")
	const away = 20 * time.Second
	phones, err := crowd.ReadCredentials(s.enrol("acme", loadPhones))
	must(t, err)
	run := startCrowd(t, s, phones, away+10*time.Second)
	eventually(t, 30*time.Second, "fixes are stored before the outage", func() bool { return s.stats("acme", token).Fixes > 1000 })
	postgres(t, "stop", dir, "-m", "immediate")
	begun := time.Now()
	before := liveSeq(t, s, token)
	acked := s.metric("fieldcast_publishes_acked_total")
	eventually(t, 15*time.Second, "readiness says that the database is away", func() bool { return s.status("/readyz", "") == 503 })
	eventually(t, 15*time.Second, "phones are acknowledged without a database", func() bool {
		return s.metric("fieldcast_publishes_acked_total") > acked+5000
	})
	eventually(t, 15*time.Second, "the map moves without a database", func() bool { return liveSeq(t, s, token) > before+5000 })
	eventually(t, away, "the outage has lasted", func() bool { return time.Since(begun) >= away })
	postgres(t, "restart", dir)
	ledger := run.wait(t)
	settle(t, s, ledger)
}

func liveSeq(t *testing.T, s *server, token string) int64 {
	var p struct{ Seq int64 }
	s.get("/api/v1/companies/acme/positions?after=0", token, &p)
	return p.Seq
}

// crowdRun is a load under way.
type crowdRun struct {
	ledger *crowd.Ledger
	err    error
	done   chan struct{}
}

func startCrowd(t *testing.T, s *server, phones []crowd.Phone, duration time.Duration) *crowdRun {
	t.Helper()
	run := &crowdRun{done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), duration+90*time.Second)
	t.Cleanup(func() { cancel(); <-run.done })
	go func() {
		defer close(run.done)
		run.ledger, run.err = crowd.Run(ctx, crowd.Options{Addr: s.mqtt, Phones: phones, Rate: loadRate, Duration: duration})
	}()
	return run
}

func (r *crowdRun) wait(t *testing.T) *crowd.Ledger {
	t.Helper()
	<-r.done
	must(t, r.err)
	return r.ledger
}

// drive puts the load on the server, and does something in the middle of it.
func drive(t *testing.T, s *server, middle func()) *crowd.Ledger {
	t.Helper()
	phones, err := crowd.ReadCredentials(s.enrol("acme", loadPhones))
	must(t, err)
	run := startCrowd(t, s, phones, loadDuration)
	if middle != nil {
		eventually(t, 60*time.Second, "half of the load is through", func() bool {
			return s.metric("fieldcast_publishes_acked_total") > loadRate*loadDuration.Seconds()/2
		})
		middle()
	}
	return run.wait(t)
}

// settle waits until the backlog has drained, and compares the ledger of the
// phones with what the store has.
func settle(t *testing.T, s *server, ledger *crowd.Ledger) {
	t.Helper()
	token := s.token("acme", "manager")
	eventually(t, 90*time.Second, "the journal is committed", func() bool {
		return s.metric("fieldcast_journal_lag_records") == 0 && s.status("/readyz", "") == 200
	})
	verdict, err := ledger.Check(func(employee string) ([]track.Fix, error) {
		return allFixes(t, s, token, "acme", employee), nil
	})
	must(t, err)
	t.Log(verdict)
	if err := verdict.Err(); err != nil {
		t.Errorf("the ledger and the store differ: %v", err)
	}
	if want := int(loadRate*loadDuration.Seconds()) * 9 / 10; verdict.Acked < want {
		t.Errorf("%d fixes were acknowledged, want at least %d: the load was not what it should be", verdict.Acked, want)
	}
}

// metric reads a value from the server's metrics; -1 while it does not answer.
func (s *server) metric(name string) float64 {
	resp, err := httpClient.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	return readMetric(resp.Body, name)
}

// postgres runs scripts/postgres.
func postgres(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("../scripts/postgres", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/postgres %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}
