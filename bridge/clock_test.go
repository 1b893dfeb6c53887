package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/journal"
)

// TestServerClock: somebody sets the server's clock hours back, then hours
// forward, then right. Everything is stored once, and when the clock is right
// the next fix of each person is where they are: none is frozen, before a
// restart or after it. (A clock from outside, such as faketime's, does not reach
// a Go program, so this is tried here and not on the binary.)
func TestServerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		wrong := time.Duration(0)
		w.start()
		n := 0
		step := func() { // everybody sends a fix; phones know what time it is
			n++
			for _, e := range []string{"e1", "e2", "e3"} {
				w.append(journal.Record{
					Kind: journal.Message, Company: "acme", Employee: e, Topic: "fc/acme/" + e,
					Payload: location(time.Now(), 10+float64(n)), ReceivedAt: time.Now().Add(wrong),
				})
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		shown := func() float64 {
			ps := w.Positions("acme")
			if len(ps) != 3 || ps[0].Lat != ps[1].Lat || ps[1].Lat != ps[2].Lat {
				t.Fatalf("positions: %+v", ps)
			}
			return ps[0].Lat - 10
		}
		for _, wrong = range []time.Duration{0, -5 * time.Hour, 0, 5 * time.Hour, 0, -24 * 400 * time.Hour, 0} {
			before := 0.0
			if n > 0 {
				before = shown()
			}
			for range 3 {
				step()
			}
			if got := shown(); got < before || wrong == 0 && got != float64(n) {
				t.Errorf("clock %v off: shown is fix %v of %d, before it was %v", wrong, got, n, before)
			}
		}
		if len(w.store.fixes) != 3*n {
			t.Errorf("%d fixes are stored, want %d", len(w.store.fixes), 3*n)
		}
		w.kill()
		w.start()
		defer w.stop()
		if got := shown(); got != float64(n) {
			t.Errorf("after a restart, shown is fix %v of %d", got, n)
		}
	})
}
