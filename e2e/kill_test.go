package e2e_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"fieldcast/simulate/crowd"
)

// TestKillLoop: kill -9 again and again at moments nobody chose, while phones
// go on. FIELDCAST_E2E_LONG=1 kills 100 times instead of 15.
func TestKillLoop(t *testing.T) {
	const phones, rate = 200, 500
	kills := heavier(15, 100)
	databases(t, func(t *testing.T, database string) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		s := startServer(t, database)
		end := startLoad(t, crowd.Options{
			Addr: s.MQTT, Phones: crew(t, s, phones), Rate: rate, Duration: time.Duration(kills) * 1300 * time.Millisecond,
		})
		for range kills {
			// A number of acknowledgements, and a fraction of a commit on top.
			more := float64(random.IntN(400))
			eventually(t, 60*time.Second, "phones are acknowledged between two kills", func() bool {
				return s.metric("fieldcast_publishes_acked_total") > more
			})
			<-time.After(time.Duration(random.IntN(50_000)) * time.Microsecond)
			s.kill()
			s.start()
		}
		ledger := end()
		t.Log(ledger)
		checkLedger(t, s, ledger, kills*rate/2)
	})
}

// TestKillDuringStart: a server that is killed while it starts, over and over,
// with a journal to replay, loses nothing and starts at the end.
func TestKillDuringStart(t *testing.T) {
	const rate = 1500
	databases(t, func(t *testing.T, database string) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		s := startServer(t, database)
		end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, 200), Rate: rate, Duration: 4 * time.Second})
		eventually(t, 30*time.Second, "some fixes are acknowledged", func() bool {
			return s.metric("fieldcast_publishes_acked_total") > 2*rate
		})
		s.kill()
		for range heavier(12, 100) {
			s.launch()
			<-time.After(time.Duration(random.IntN(120_000)) * time.Microsecond)
			s.kill()
		}
		s.start()
		checkLedger(t, s, end(), 2*rate)
	})
}

// TestTerminateWithManyConnections: SIGTERM under load with 2,000 connections
// ends with exit code 0 in time, and everything acknowledged is stored.
func TestTerminateWithManyConnections(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, 2000), Rate: 1500, Duration: 5 * time.Second})
		eventually(t, 60*time.Second, "the load runs", func() bool { return s.metric("fieldcast_publishes_acked_total") > 3000 })
		begun := time.Now()
		if code := s.stop(); code != 0 {
			t.Errorf("SIGTERM: exit code %d, want 0", code)
		}
		took := time.Since(begun)
		t.Logf("stopped in %v", took)
		if took > 20*time.Second {
			t.Errorf("the server took %v to stop, want at most 20 s", took)
		}
		s.start()
		checkLedger(t, s, end(), 5000)
	})
}

// TestSecondSignal: with a drain that cannot finish, a second SIGTERM ends the
// process at once, and nothing acknowledged is lost.
func TestSecondSignal(t *testing.T) {
	s, db := startServerWithLockedSQLite(t)
	end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: crew(t, s, 50), Rate: 500, Duration: 4 * time.Second})
	eventually(t, 30*time.Second, "the load runs", func() bool { return s.metric("fieldcast_publishes_acked_total") > 300 })
	db.lock()
	before := s.metric("fieldcast_publishes_acked_total")
	eventually(t, 30*time.Second, "phones are acknowledged while the database is locked", func() bool {
		return s.metric("fieldcast_publishes_acked_total") > before+300
	})
	must(t, s.Cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, 10*time.Second, "the first signal is being obeyed", func() bool { return s.status("/healthz", "") == 0 })
	begun := time.Now()
	must(t, s.Cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.Exited:
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the second signal took %v", took)
		}
	case <-time.After(20 * time.Second):
		t.Error("the second signal was not obeyed")
		s.kill()
	}
	db.unlock()
	s.start()
	checkLedger(t, s, end(), 600)
}

// TestBacklog: a journal with a great backlog, because the database was away,
// is taken up after kill -9, and recovery is quick.
func TestBacklog(t *testing.T) {
	records := heavier(60_000, 250_000)
	rate := 12_000.0
	s, db := startServerWithLockedSQLite(t)
	phones := crew(t, s, 400)
	db.lock()
	end := startLoad(t, crowd.Options{Addr: s.MQTT, Phones: phones, Rate: rate, Duration: time.Duration(float64(records) / rate * float64(time.Second))})
	ledger := end()
	lag := s.metric("fieldcast_journal_lag_records")
	t.Log(ledger)
	if lag < float64(records)*9/10 {
		t.Errorf("%v records wait in the journal, want %d: the load was not what it should be", lag, records)
	}
	s.kill()
	db.unlock()
	begun := time.Now()
	s.start()
	ready := time.Since(begun)
	eventually(t, 120*time.Second, "the backlog is stored", func() bool { return s.metric("fieldcast_journal_lag_records") == 0 })
	t.Logf("%v records: ready after %v, all stored after %v", lag, ready, time.Since(begun))
	checkLedger(t, s, ledger, records*9/10)
}
