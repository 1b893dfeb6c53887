package bridge_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fieldcast/bridge"
	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/journal/disk"
	"fieldcast/store/sqlite"
	"fieldcast/track"
)

// site is a bridge on a real journal and a real database in one folder.
type site struct {
	journal *disk.Journal
	store   *sqlite.Store
	hub     *feed.Hub
	bridge  *bridge.Bridge
}

func open(tb testing.TB, dir string) *site {
	tb.Helper()
	s := &site{hub: feed.NewHub(feed.Options{})}
	var err error
	if s.journal, err = disk.Open(filepath.Join(dir, "journal"), disk.Options{SegmentBytes: 1 << 20}); err != nil {
		tb.Fatal(err)
	}
	if s.store, err = sqlite.Open(tb.Context(), filepath.Join(dir, "fieldcast.db"), sqlite.Options{}); err != nil {
		tb.Fatal(err)
	}
	if s.bridge, err = bridge.New(bridge.Options{Journal: s.journal, Store: s.store, Feed: s.hub}); err != nil {
		tb.Fatal(err)
	}
	if err := s.bridge.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// close ends everything; the bridge gets as long as patience allows.
func (s *site) close(tb testing.TB, patience time.Duration) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.bridge.Close(ctx); err != nil {
		tb.Errorf("close bridge: %v", err)
	}
	if err := s.store.Close(); err != nil {
		tb.Errorf("close store: %v", err)
	}
	if err := s.journal.Close(); err != nil {
		tb.Errorf("close journal: %v", err)
	}
}

// The real journal and the real database, with crashes: every fix that was
// appended is stored once, and the map is the same as before.
func TestRealJournalAndStore(t *testing.T) {
	const phones, rounds, each = 20, 6, 25
	dir := t.TempDir()
	begin := time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	var before []track.Position
	for round := range rounds {
		s := open(t, dir)
		if round > 0 {
			comparePositions(t, s.bridge.Positions("acme"), before)
		}
		var sending sync.WaitGroup
		for phone := range phones {
			sending.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(phone)))
				for i := range each {
					// Every other one was sent before the crash already.
					n := (round*each + i) / 2
					fix := location(begin.Add(time.Duration(n)*20*time.Second), 12+float64(n)/1e3)
					if _, err := s.journal.Append(t.Context(), journal.Record{
						Kind: journal.Message, Company: "acme", Employee: fmt.Sprintf("e%02d", phone),
						Topic: fmt.Sprintf("fc/acme/e%02d", phone), Payload: fix, Size: len(fix), ReceivedAt: time.Now(),
					}); err != nil {
						t.Error(err)
					}
					if r.IntN(10) == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		sending.Wait()
		last := s.journal.Stats().Last
		for deadline := time.Now().Add(20 * time.Second); s.bridge.Seq("acme") < last && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // the live follower is on its way
			if round%2 == 1 {
				break // or is killed
			}
		}
		if round%2 == 0 {
			before = s.bridge.Positions("acme")
			s.close(t, time.Duration(round)*10*time.Second) // the first time there is no time at all
			continue
		}
		s.close(t, 10*time.Second)
		s = open(t, dir)
		before = s.bridge.Positions("acme")
		s.close(t, 10*time.Second)
	}
	s := open(t, dir)
	defer s.close(t, 10*time.Second)
	stats, err := s.store.Stats(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	// n runs from 0 to (rounds*each-1)/2.
	if want := int64(phones * ((rounds*each-1)/2 + 1)); stats.Fixes != want || stats.Rejected != 0 {
		t.Errorf("stored %d fixes, rejected %d, want %d and none", stats.Fixes, stats.Rejected, want)
	}
	if cursor, err := s.store.Cursor(t.Context()); err != nil || cursor != phones*rounds*each {
		t.Errorf("cursor %d, %v, want %d", cursor, err, phones*rounds*each)
	}
	comparePositions(t, s.bridge.Positions("acme"), before)
}

func comparePositions(t *testing.T, got, want []track.Position) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d people, want %d", len(got), len(want))
		return
	}
	for i := range got {
		if got[i].Fix != want[i].Fix || got[i].IntervalS != want[i].IntervalS || got[i].Changed != want[i].Changed {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

// The whole way behind the broker: append with fsync, judge, commit to SQLite.
// Records are appended by 64 phones at once, as a broker does.
func BenchmarkJournalToStore(b *testing.B) {
	s := open(b, b.TempDir())
	at := time.Now().Add(-time.Hour)
	work := make(chan int)
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for n := range work {
				body := location(at.Add(time.Duration(n/1000)*time.Second), 12+float64(n%1000)/1e4)
				if _, err := s.journal.Append(b.Context(), journal.Record{
					Kind: journal.Message, Company: "acme", Employee: fmt.Sprint("e", n%1000), Topic: "fc/acme/e",
					Payload: body, Size: len(body), ReceivedAt: time.Now(),
				}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	n := 0
	for b.Loop() {
		work <- n
		n++
	}
	close(work)
	senders.Wait()
	s.close(b, time.Minute)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "fixes/s")
}
