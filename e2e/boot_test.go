package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStartBeforeDatabase: a server that starts before its database, as after a
// machine has booted, waits for it and then serves.
func TestStartBeforeDatabase(t *testing.T) {
	needPostgres(t)
	dir := t.TempDir()
	url := postgres(t, "start", dir)
	t.Cleanup(func() { postgres(t, "stop", dir) })
	s := startServer(t, newDatabase(t, url))
	s.kill()
	postgres(t, "stop", dir)
	s.launch()
	eventually(t, 10*time.Second, "the log says what is waited for", func() bool {
		return strings.Contains(s.Log.String(), "waiting for it")
	})
	postgres(t, "start", dir)
	eventually(t, 20*time.Second, "the server is ready", func() bool { return s.status("/readyz", "") == http.StatusOK })
}
