//go:build linux

package e2e_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"fieldcast/simulate/crowd"
)

// TestDiskFull: a disk without room is said by readiness, acknowledges nothing,
// and harms nothing that was acknowledged.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m"); err != nil {
		t.Skipf("needs the right to mount a tmpfs (root): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // the folder goes with the test
	s := newServer(t, "")
	s.Data = dir + "/data"
	s.start()
	s.cli("company", "add", "acme")
	end := startLoad(t, crowd.Options{
		Addr: s.MQTT, Phones: crew(t, s, 100), Rate: 500, Duration: 8 * time.Second, DrainWait: 60 * time.Second, AckWait: 5 * time.Second,
	})
	eventually(t, 30*time.Second, "the load runs", func() bool { return s.metric("fieldcast_publishes_acked_total") > 500 })
	ballast := dir + "/ballast"
	fill(t, ballast)
	eventually(t, 20*time.Second, "readiness says that the disk is full", func() bool { return journalComplains(s) })
	must(t, os.Remove(ballast))
	eventually(t, 20*time.Second, "the server is ready again", func() bool { return s.status("/readyz", "") == http.StatusOK })
	checkLedger(t, s, end(), 3000)
}

// journalComplains is whether readiness names a full journal.
func journalComplains(s *server) bool {
	code, body := s.fetch("/readyz", "")
	return code == http.StatusServiceUnavailable && strings.Contains(string(body), "journal is full")
}

// fill writes a file until the disk has no room.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	must(t, err)
	defer f.Close()
	for block := make([]byte, 1<<20); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}
