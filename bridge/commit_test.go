package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/bridge"
	"fieldcast/payload"
	"fieldcast/track"
)

// checkChain tests that the commits follow each other without a hole and keep
// to the size.
func checkChain(t *testing.T, w *world) {
	t.Helper()
	cursor := uint64(0)
	for i, b := range w.store.commits {
		if b.After != cursor || b.Through <= b.After {
			t.Errorf("commit %d: %d to %d, want from %d", i, b.After, b.Through, cursor)
		}
		records := make(map[uint64]bool)
		for _, f := range b.Fixes {
			records[f.Seq] = true
		}
		if rows := len(b.Fixes) + len(b.Rejected) + len(b.Reports); rows > 1000 && len(records) > 1 {
			t.Errorf("commit %d: %d rows", i, rows)
		}
		people := make(map[string]bool)
		for _, p := range b.Positions {
			if people[p.Company+"/"+p.Employee] {
				t.Errorf("commit %d: %s twice", i, p.Employee)
			}
			people[p.Company+"/"+p.Employee] = true
		}
		cursor = b.Through
	}
}

func TestBatches(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		begin := time.Now().Add(-2 * time.Hour)
		for i := range 2500 {
			w.fix("acme", "e1", begin.Add(time.Duration(i)*time.Second), 12)
		}
		w.settle()
		checkChain(t, w)
		if n := len(w.store.commits); n > 10 {
			t.Errorf("2500 fixes at once took %d commits", n)
		}

		w.fix("acme", "e1", time.Now(), 12)
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if w.store.cursor != 2501 {
			t.Error("a single fix waited more than 10 ms for its commit")
		}

		// A steady stream shares transactions.
		w.settle()
		w.store.set(func(s *memStore) { s.commits = nil })
		for range 1000 {
			w.fix("acme", "e1", time.Now(), 12)
			time.Sleep(time.Millisecond)
		}
		w.settle()
		if n := len(w.store.commits); n > 25 {
			t.Errorf("a second of 1000 fixes took %d commits, want some 20", n)
		}
	})
}

// A message larger than a batch is not torn apart.
func TestHugeMessage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Now(), 12)
		w.send("acme", "e1", batchOf(t, 3000, time.Now().Add(-time.Hour)))
		w.fix("acme", "e2", time.Now(), 12)
		w.settle()
		checkChain(t, w)
		if len(w.store.fixes) != 3002 {
			t.Errorf("got %d fixes, want 3002", len(w.store.fixes))
		}
	})
}

func batchOf(t *testing.T, n int, from time.Time) []byte {
	t.Helper()
	fs := make([]track.Fix, n)
	for i := range fs {
		fs[i] = track.Fix{Lat: 12 + float64(i)/1e5, Lon: 77, RecordedAt: from.Add(time.Duration(i) * time.Second).Truncate(time.Second)}
	}
	body, err := payload.EncodeBatch(fs)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// The database is away for ten minutes: the map goes on, the backlog is written
// in order afterwards, each fix once. It is more than memory holds, so it is
// read from the journal again.
func TestOutage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Now(), 12)
		w.settle()
		w.store.set(func(s *memStore) { s.err = fmt.Errorf("connection refused: %w", track.ErrUnavailable) })
		begin := time.Now()
		for i := range 100 {
			w.send("acme", fmt.Sprint("e", i%9), batchOf(t, 1000, begin.Add(time.Duration(i-200)*time.Hour)))
			time.Sleep(6 * time.Second)
		}
		now := w.fix("acme", "e1", time.Now(), 13)
		synctest.Wait()

		if p, ok := w.Position("acme", "e1"); !ok || p.Seq != now || p.Lat != 13 {
			t.Errorf("the map stands still: %+v", p)
		}
		err := w.Status()
		if !errors.Is(err, track.ErrUnavailable) || !strings.Contains(err.Error(), "101 records wait") {
			t.Errorf("status: %v", err)
		}
		if lag := w.metric("fieldcast_journal_lag_records"); lag != 101 {
			t.Errorf("lag: %v, want 101", lag)
		}
		if n := w.store.attempts; n < 100 || n > 400 {
			t.Errorf("%d attempts in ten minutes, want one every 2.5 to 5 seconds", n)
		}
		if len(w.store.fixes) != 1 {
			t.Fatalf("store: %d fixes during the outage", len(w.store.fixes))
		}
		events := len(w.published())

		w.store.set(func(s *memStore) { s.err = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		checkChain(t, w)
		if err := w.Status(); err != nil {
			t.Errorf("status afterwards: %v", err)
		}
		if len(w.store.fixes) != 100_002 || w.store.cursor != now {
			t.Errorf("store: %d fixes through %d, want 100002 through %d", len(w.store.fixes), w.store.cursor, now)
		}
		if w.metric("fieldcast_fixes_duplicate_total") != 0 || w.metric("fieldcast_commit_failures_total", "unavailable") < 100 {
			t.Error("metrics do not show what happened")
		}
		if len(w.published()) != 0 || events == 0 {
			t.Error("the feed heard of the backlog again")
		}
		if p := w.store.positions["acme/e1"]; p.Lat != 13 {
			t.Errorf("stored position: %+v", p)
		}
	})
}

// The answer to a commit is lost on the way: it is not written twice, and
// nobody is suspected.
func TestLostAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lost := false
		w.store.set(func(s *memStore) {
			s.answer = func(track.Batch) error {
				if lost {
					return nil
				}
				lost = true
				return fmt.Errorf("broken pipe: %w", track.ErrUnavailable)
			}
		})
		for i := range 3 {
			w.fix("acme", "e1", time.Now(), 12+float64(i)/1e4)
			w.settle()
		}
		if err := w.Status(); err != nil || len(w.store.fixes) != 3 || w.store.cursor != 3 {
			t.Errorf("%v, %d fixes through %d", err, len(w.store.fixes), w.store.cursor)
		}
		checkChain(t, w)
	})
}

func TestAnotherBridge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.fix("acme", "e1", time.Now(), 12)
		w.settle()
		w.store.set(func(s *memStore) { s.cursor = 7 })
		w.fix("acme", "e1", time.Now(), 13)
		w.settle()
		select {
		case <-w.Failed():
		default:
			t.Error("not failed")
		}
		attempts := w.store.attempts
		w.fix("acme", "e1", time.Now(), 14)
		w.settle()
		if err := w.Status(); !errors.Is(err, track.ErrConflict) || !strings.Contains(err.Error(), "another bridge") {
			t.Errorf("status: %v", err)
		}
		if p, _ := w.Position("acme", "e1"); p.Lat != 14 || w.store.attempts != attempts || w.store.cursor != 7 {
			t.Errorf("lat %v, %d attempts, cursor %d: want the map alive and the store left alone", p.Lat, w.store.attempts, w.store.cursor)
		}
		if err := w.Close(t.Context()); !errors.Is(err, track.ErrConflict) {
			t.Errorf("close: %v", err)
		}
	})
}

// Whatever the error, the batch is tried again, and nothing is skipped.
func TestStrangeErrors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		errs := []error{
			errors.New("disk I/O error"), track.ErrInvalid, context.DeadlineExceeded, context.Canceled,
			track.ErrUnavailable, track.ErrNotFound,
		}
		n := 0
		w.store.set(func(s *memStore) {
			s.before = func(track.Batch) error {
				n++
				if n%7 == 0 {
					return nil
				}
				return errs[n%7-1]
			}
		})
		for i := range 5 {
			w.fix("acme", "e1", time.Now(), 12+float64(i)/1e4)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if len(w.store.fixes) != 5 || w.Status() != nil {
			t.Errorf("%d fixes, %v", len(w.store.fixes), w.Status())
		}
		if !strings.Contains(w.logs.String(), "disk I/O error") {
			t.Error("the log does not say what failed")
		}
		checkChain(t, w)
	})
}

// A database that does not answer at all counts as away.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		hang := hanging{memStore: w.store, hung: make(chan struct{}, 100)}
		w.options = func(o *bridge.Options) { o.Store = &hang }
		w.start()
		w.fix("acme", "e1", time.Now(), 12)
		<-hang.hung
		<-hang.hung
		if err := w.Status(); err == nil || !strings.Contains(err.Error(), "does not take commits") {
			t.Errorf("status: %v", err)
		}
		begun := time.Now()
		w.kill()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("close took %v", took)
		}
	})
}

type hanging struct {
	*memStore
	hung chan struct{}
}

func (h *hanging) Commit(ctx context.Context, _ track.Batch) (track.Receipt, error) {
	h.hung <- struct{}{}
	<-ctx.Done()
	return track.Receipt{}, ctx.Err()
}

// What the database refuses is counted and shown.
func TestRefusedRow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store.set(func(s *memStore) { s.refuse = func(f track.Fix) bool { return f.Lat == 13 } })
		w.fix("acme", "e1", time.Now(), 12)
		w.fix("acme", "e1", time.Now(), 13)
		w.settle()
		if n := w.metric("fieldcast_fixes_rejected_total", "store"); n != 1 {
			t.Errorf("counted %v, want 1", n)
		}
		shown := 0
		for _, e := range w.published() {
			if e.Rejection != nil && e.Rejection.Reason == track.ReasonStore && e.Company == "acme" {
				shown++
			}
		}
		if shown != 1 || len(w.store.fixes) != 1 {
			t.Errorf("%d shown, %d stored", shown, len(w.store.fixes))
		}
	})
}

func TestJournalIsCutOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 100 {
			w.fix("acme", "e1", time.Now(), 12)
			time.Sleep(100 * time.Millisecond)
		}
		w.settle()
		if n := w.journal.cuts; n < 1 || n > 3 {
			t.Errorf("cut %d times in ten seconds, want one in five", n)
		}
		w.stop()
		if st := w.journal.Stats(); st.First != 101 {
			t.Errorf("journal begins with %d after Close, want 101", st.First)
		}
	})
}

// Close writes what is in the journal, and more than that if it came late.
func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		for i := range 5000 {
			w.fix("acme", fmt.Sprint("e", i), time.Now(), 12)
		}
		w.stop() // at once: nothing has been committed so far
		if len(w.store.fixes) != 5000 || w.store.cursor != 5000 {
			t.Errorf("%d fixes through %d", len(w.store.fixes), w.store.cursor)
		}
		checkChain(t, w)
	})
}

// Close while the database is away ends with its context; the journal keeps the
// rest, and the next start goes on.
func TestCloseDuringOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.store.set(func(s *memStore) { s.err = track.ErrUnavailable })
		for i := range 100 {
			w.fix("acme", fmt.Sprint("e", i), time.Now(), 12)
		}
		begun := time.Now()
		w.stop()
		if took := time.Since(begun); took < 50*time.Second || took > 61*time.Second {
			t.Errorf("close took %v, want the minute that it was given", took)
		}
		if !strings.Contains(w.logs.String(), "records=100") {
			t.Errorf("the log does not say what is left:\n%s", w.logs)
		}
		w.store.set(func(s *memStore) { s.err = nil })
		w.start()
		if n := len(w.Positions("acme")); n != 100 {
			t.Errorf("warm: %d people, want 100", n)
		}
		w.stop()
		if len(w.store.fixes) != 100 {
			t.Errorf("%d fixes, want 100", len(w.store.fixes))
		}
	})
}

// The journal is cut off behind what is committed also when nothing more comes:
// one that is full takes nothing before.
func TestCutWithoutNews(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.fix("acme", "e1", time.Now().Add(time.Duration(i)*time.Second), 12)
		}
		w.settle()
		if st := w.journal.Stats(); st.First != 1 {
			t.Errorf("the journal is cut at each commit: it starts with %d", st.First)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if st := w.journal.Stats(); st.First != 11 || w.journal.cuts != 1 {
			t.Errorf("after 10 s the journal starts with %d after %d cuts, want 11 after one", st.First, w.journal.cuts)
		}
	})
}

// A start cuts off what is committed already: a server that is restarted again
// and again would fill its journal with it.
func TestCutAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fix("acme", "e1", time.Now(), 12)
		w.store.cursor = 1
		w.start()
		defer w.stop()
		w.settle()
		if st := w.journal.Stats(); st.First != 2 {
			t.Errorf("the journal starts with %d, want 2", st.First)
		}
	})
}
