package crowd_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"fieldcast/simulate/crowd"
)

var reader = crowd.Phone{Username: "r", Password: "x", ClientID: "r"}

// An eager crowd publishes as fast as it is acknowledged; a reader gets all of
// it, with its age.
func TestEagerCrowdAndReader(t *testing.T) {
	m := newMemory()
	addr, _ := serve(t, "127.0.0.1:0", m)
	for _, qos := range []byte{0, 1} {
		r, err := crowd.NewReader(t.Context(), crowd.ReaderOptions{Addr: addr, As: reader, Filter: "fc/acme/+", QoS: qos})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- r.Read() }()
		var connected, drained bool
		ledger, err := crowd.Run(t.Context(), crowd.Options{
			Addr: addr, Phones: phones(3), Eager: true, Duration: 300 * time.Millisecond, Inflight: 1, Clean: true,
			Connected: func() { connected = true }, Drained: func() { drained = true },
		})
		if err != nil {
			t.Fatal(err)
		}
		if !connected || !drained || ledger.Acked != ledger.Published || ledger.Acked < 20 {
			t.Errorf("connected %v, drained %v, %v", connected, drained, ledger)
		}
		l := ledger.Latency
		if l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
			t.Errorf("latency %+v", l)
		}
		if err := errors.Join(r.Close(), <-done); err != nil {
			t.Error(err)
		}
		seen := crowd.SeenBy(r)
		if seen.Messages != seen.Fixes || seen.Fixes == 0 || seen.Fixes > ledger.Acked || seen.Age.Max > 10*time.Second {
			t.Errorf("QoS %d: of %d fixes the reader has seen %+v", qos, ledger.Acked, seen)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	_, err := crowd.NewReader(t.Context(), crowd.ReaderOptions{Addr: "127.0.0.1:1", As: reader, Filter: "fc/#"})
	if err == nil {
		t.Error("nobody listens, and there is no error")
	}
	addr, stop := serve(t, "127.0.0.1:0", newMemory())
	if _, err := crowd.NewReader(t.Context(), crowd.ReaderOptions{Addr: addr, As: reader, Filter: "a/#/b"}); err == nil {
		t.Error("a filter that is none is subscribed to")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := crowd.NewReader(ctx, crowd.ReaderOptions{Addr: addr, As: reader, Filter: "fc/#"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	r, err := crowd.NewReader(t.Context(), crowd.ReaderOptions{Addr: addr, As: reader, Filter: "fc/#"})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := r.Read(); err == nil {
		t.Error("the server is gone, and there is no error")
	}
}

func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		if _, err := crowd.ReadUsage(os.Getpid()); !errors.Is(err, crowd.ErrNoProc) {
			t.Errorf("error %v", err)
		}
		return
	}
	before, err := crowd.ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// A child that has ended counts, too.
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	after, err := crowd.ReadUsage(os.Getpid())
	if err != nil || after.CPU <= before.CPU || after.RSS < 1<<20 {
		t.Errorf("%+v, then %+v, error %v", before, after, err)
	}
	if _, err := crowd.ReadUsage(1 << 30); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "1073741824") {
		t.Errorf("no such process: %v", err)
	}
}
