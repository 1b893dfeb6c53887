package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// long is whether the heavier variants run: FIELDCAST_E2E_LONG=1.
var long = os.Getenv("FIELDCAST_E2E_LONG") == "1"

// heavier is the number for FIELDCAST_E2E_LONG=1, or the usual one.
func heavier[T any](usual, heavy T) T {
	if long {
		return heavy
	}
	return usual
}

// crew enrols n phones in acme.
func crew(t *testing.T, s *server, n int) []crowd.Phone {
	t.Helper()
	phones, err := crowd.ReadCredentials(s.enrol("acme", n))
	must(t, err)
	return phones
}

// startLoad lets a crowd publish until end is called. end waits until
// everything is acknowledged, or the crowd's drain time has passed.
func startLoad(t *testing.T, o crowd.Options) (end func() *crowd.Ledger) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ledger *crowd.Ledger
	var err error
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		ledger, err = crowd.Run(ctx, o)
	}()
	return func() *crowd.Ledger {
		t.Helper()
		<-done
		must(t, err)
		return ledger
	}
}

// checkLedger waits until the journal is in the database, and compares what the
// phones had acknowledged with what is stored: nothing lost, nothing twice, in
// order.
func checkLedger(t *testing.T, s *server, ledger *crowd.Ledger, atLeast int) {
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
	if verdict.Acked < atLeast {
		t.Errorf("%d fixes were acknowledged, want at least %d: the load was not what it should be", verdict.Acked, atLeast)
	}
}

// configFile writes settings for --config.
func configFile(t *testing.T, yaml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fieldcast.yaml")
	must(t, os.WriteFile(file, []byte(yaml), 0o600))
	return file
}
