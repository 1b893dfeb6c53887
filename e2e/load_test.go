package e2e_test

import (
	"testing"
	"time"

	"fieldcast/e2e/binary"
	"fieldcast/simulate/crowd"
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
	end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, loadPhones), Rate: loadRate, Duration: away + 10*time.Second})
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
	settle(t, s, end())
}

func liveSeq(t *testing.T, s *server, token string) int64 {
	var p struct{ Seq int64 }
	s.get("/api/v1/companies/acme/positions?after=0", token, &p)
	return p.Seq
}

// drive puts the load on the server, and does something in the middle of it.
func drive(t *testing.T, s *server, middle func()) *crowd.Ledger {
	t.Helper()
	end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, loadPhones), Rate: loadRate, Duration: loadDuration})
	if middle != nil {
		eventually(t, 60*time.Second, "half of the load is through", func() bool {
			return s.metric("fieldcast_publishes_acked_total") > loadRate*loadDuration.Seconds()/2
		})
		middle()
	}
	return end()
}

// settle compares the phones' ledger of the load with what the store has.
func settle(t *testing.T, s *server, ledger *crowd.Ledger) {
	t.Helper()
	checkLedger(t, s, ledger, int(loadRate*loadDuration.Seconds())*9/10)
}

// postgres runs scripts/postgres.
func postgres(t *testing.T, args ...string) string {
	t.Helper()
	out, err := binary.Postgres(args...)
	must(t, err)
	return out
}
