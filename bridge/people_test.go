package bridge_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fieldcast/bridge"
	"fieldcast/feed"
	"fieldcast/journal"
)

// crowd is a started bridge with n people of one company on the map.
func crowd(tb testing.TB, n int) (*bridge.Bridge, *memJournal) {
	tb.Helper()
	j := newMemJournal()
	at := time.Now().Add(-3 * time.Hour)
	for i := range n {
		body := location(at, 12+float64(i)/1e5)
		_, _ = j.Append(tb.Context(), journal.Record{
			Kind: journal.Message, Company: "acme", Employee: fmt.Sprint("e", i), Payload: body, ReceivedAt: at,
		})
	}
	b, err := bridge.New(bridge.Options{Journal: j, Store: newMemStore(), Feed: feed.NewHub(feed.Options{})})
	if err != nil {
		tb.Fatal(err)
	}
	if err := b.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return b, j
}

// Readers of all kinds beside a writer, for the race detector; what they see is
// consistent at every moment.
func TestReadersBesideTheWriter(t *testing.T) {
	b, j := crowd(t, 100)
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			have := uint64(0)
			for !done.Load() {
				changed, seq, ok := b.After("acme", have)
				if !ok || seq < have {
					t.Errorf("after %d: %d, %v", have, seq, ok)
				}
				last := have
				for _, p := range changed {
					if p.Changed < last || p.Changed > seq {
						t.Errorf("changed at %d, between %d and %d", p.Changed, last, seq)
					}
					last = p.Changed
				}
				have = seq
				ps := b.Positions("acme")
				for i := range ps[1:] {
					if ps[i].Employee >= ps[i+1].Employee {
						t.Errorf("%s before %s", ps[i].Employee, ps[i+1].Employee)
					}
				}
				b.Presence("acme")
				b.Position("acme", "e7")
				_ = b.Status()
			}
		})
	}
	at := time.Now().Add(-2 * time.Hour)
	for i := range 5000 {
		r := journal.Record{Kind: journal.Message, Company: "acme", Employee: fmt.Sprint("e", i%120), ReceivedAt: time.Now()}
		r.Payload = location(at.Add(time.Duration(i)*time.Second), 12)
		if i%10 == 0 {
			r.Kind, r.Payload = journal.Connected+journal.Kind(i/10%2), nil
		}
		_, _ = j.Append(t.Context(), r)
	}
	for deadline := time.Now().Add(20 * time.Second); b.Seq("acme") < 5100 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	done.Store(true)
	readers.Wait()
	if n, all := len(b.Positions("acme")), len(b.Presence("acme")); n != 118 || all != 12 {
		t.Errorf("%d people with a position, %d with a presence, want 118 and 12", n, all)
	}
}

func BenchmarkPositions10k(b *testing.B) {
	br, _ := crowd(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if len(br.Positions("acme")) != 10_000 {
			b.Fatal("not all")
		}
	}
}

// 100 of 10,000 have changed.
func BenchmarkAfter10k(b *testing.B) {
	br, _ := crowd(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if changed, _, _ := br.After("acme", 9900); len(changed) != 100 {
			b.Fatal("not all")
		}
	}
}

// From the journal to the table and the feed, without a disk. While it runs,
// one reader takes snapshots of 10,000 as fast as it can.
func BenchmarkLive(b *testing.B) {
	for _, reading := range []bool{false, true} {
		b.Run(fmt.Sprint("reading ", reading), func(b *testing.B) {
			br, j := crowd(b, 10_000)
			var done atomic.Bool
			var reader sync.WaitGroup
			if reading {
				reader.Go(func() {
					for !done.Load() {
						br.Positions("acme")
					}
				})
			}
			at := time.Now().Add(-2 * time.Hour)
			bodies := make([][]byte, 1000)
			for i := range bodies {
				bodies[i] = location(at.Add(time.Duration(i)*time.Second), 12)
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() { // a thousand fixes
				for i, body := range bodies {
					_, _ = j.Append(context.Background(), journal.Record{
						Kind: journal.Message, Company: "acme", Employee: fmt.Sprint("n", n), Payload: body, ReceivedAt: at.Add(time.Duration(i) * time.Second),
					})
				}
				n++
				for br.Seq("acme") < uint64(10_000+1000*n) {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(1000*n), "ns/fix")
			done.Store(true)
			reader.Wait()
		})
	}
}
