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
	"fieldcast/journal"
	"fieldcast/track"
)

// ran is a world in which n fixes of as many people have been committed.
func ran(t *testing.T, n int) *world {
	w := newWorld(t)
	w.start()
	for i := range n {
		w.fix("acme", fmt.Sprintf("e%03d", i), time.Now(), 12)
	}
	w.settle()
	w.stop()
	return w
}

func TestWarmStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ran(t, 50)
		w.store.employees = []track.Employee{{Company: "acme", ID: "e007", Name: "Asha", Team: "North"}, {Company: "acme", ID: "e300", Name: "Ben"}}
		for i := range 10 { // the server was killed before the bridge had seen these
			w.fix("acme", fmt.Sprintf("e%03d", i), time.Now(), 13)
		}
		w.fix("acme", "e300", time.Now(), 13)
		w.start()
		defer w.stop()
		ps := w.Positions("acme")
		if len(ps) != 51 || w.Seq("acme") != 61 {
			t.Fatalf("%d people at %d, want 51 at 61", len(ps), w.Seq("acme"))
		}
		if p := ps[7]; p.Name != "Asha" || p.Team != "North" || p.Lat != 13 || p.Seq != 58 || p.State != track.StateLive {
			t.Errorf("e007: %+v", p)
		}
		if p := ps[50]; p.Name != "Ben" {
			t.Errorf("e300: %+v", p)
		}
		if changed, _, ok := w.After("acme", 50); !ok || len(changed) != 11 || changed[0].Employee != "e000" || changed[10].Employee != "e300" {
			t.Errorf("after 50: %d people, %v", len(changed), ok)
		}
		if _, _, ok := w.After("acme", 62); ok {
			t.Error("after what has not been: ok")
		}
		if _, _, ok := w.After("nobody", 1); ok {
			t.Error("after what has not been of nobody: ok")
		}
		if events := w.published(); len(events) != 0 {
			t.Errorf("the replay was told: %d events", len(events))
		}
		w.settle()
		if len(w.store.fixes) != 61 {
			t.Errorf("%d fixes, want 61", len(w.store.fixes))
		}
	})
}

// The first frame follows from what was known at the start.
func TestFirstFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ran(t, 5)
		w.start()
		defer w.stop()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.hub.Run(ctx) }()
		w.fix("acme", "e001", time.Now(), 13)
		w.settle()
		cancel()
		<-ended
		for _, e := range w.published() {
			if e.Frame != nil && (e.Frame.Prev != 5 || e.Frame.Seq != 6) {
				t.Errorf("frame %d to %d, want 5 to 6", e.Frame.Prev, e.Frame.Seq)
			}
		}
	})
}

// A new journal beside an old database goes on with its numbers.
func TestNewJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ran(t, 50)
		w.journal = newMemJournal()
		w.start()
		defer w.stop()
		if seq := w.fix("acme", "e001", time.Now(), 13); seq != 51 {
			t.Errorf("the new journal begins with %d, want 51", seq)
		}
		w.settle()
		if w.store.cursor != 51 || w.Status() != nil {
			t.Errorf("cursor %d, %v", w.store.cursor, w.Status())
		}
	})
}

// The journal of another database is not mixed with this one.
func TestForeignJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ran(t, 50)
		w.journal = newMemJournal()
		w.fix("acme", "e001", time.Now(), 13)
		w.build()
		if err := w.Start(t.Context()); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "record 50") {
			t.Errorf("got %v", err)
		}
		w.stop()
		if w.store.cursor != 50 || len(w.store.fixes) != 50 {
			t.Error("the store was touched")
		}
	})
}

// The journal begins later than the database ends: the database was restored
// from a copy. It goes on, and says so.
func TestHoleInFrontOfTheJournal(t *testing.T) {
	for name, last := range map[string]int{"with records": 30, "empty": 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for range last {
					w.fix("acme", "e1", time.Now(), 12)
				}
				if err := w.journal.Truncate(20); err != nil {
					t.Fatal(err)
				}
				w.store.cursor = 5
				w.start()
				if !strings.Contains(w.logs.String(), "cursor=5 first=21 missing=15") {
					t.Errorf("log:\n%s", w.logs)
				}
				if n := w.metric("fieldcast_journal_skipped_records_total"); n != 15 {
					t.Errorf("counted %v, want 15", n)
				}
				want := w.fix("acme", "e1", time.Now(), 13)
				w.stop() // without waiting for anything
				if w.store.cursor != want || w.store.commits[0].After != 5 {
					t.Errorf("cursor %d, first commit after %d", w.store.cursor, w.store.commits[0].After)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fix("acme", "e1", time.Now(), 12)
		w.fix("acme", "e1", time.Now(), 12)
		_ = w.journal.Truncate(2)
		w.start()
		begun := time.Now()
		w.stop()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("close waited %v for records that are gone", took)
		}
	})
}

func TestStoreAwayAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ran(t, 3)
		w.store.set(func(s *memStore) { s.err = track.ErrUnavailable })
		time.AfterFunc(10*time.Second, func() { w.store.set(func(s *memStore) { s.err = nil }) })
		w.start()
		if n := len(w.Positions("acme")); n != 3 {
			t.Errorf("%d people, want 3", n)
		}
		w.stop()

		for _, err := range []error{track.ErrUnavailable, track.ErrNewerSchema} {
			w.store.set(func(s *memStore) { s.err = err })
			w.build()
			begun := time.Now()
			if got := w.Start(t.Context()); !errors.Is(got, err) {
				t.Errorf("got %v, want %v", got, err)
			}
			if waited := time.Since(begun); waited > 40*time.Second {
				t.Errorf("%v: waited %v", err, waited)
			}
			if w.Status() == nil {
				t.Error("healthy without a start")
			}
			w.stop()
		}
	})
}

// Another bridge commits while this one reads.
func TestStoreMovesAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		moving := &movingStore{memStore: w.store}
		w.options = func(o *bridge.Options) { o.Store = moving }
		w.build()
		if err := w.Start(t.Context()); !errors.Is(err, track.ErrConflict) {
			t.Errorf("got %v", err)
		}
		w.stop()
	})
}

type movingStore struct {
	*memStore
	n uint64
}

func (m *movingStore) Cursor(context.Context) (uint64, error) { m.n++; return m.n, nil }

func TestStartCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 2000 {
			w.fix("acme", "e1", time.Now(), 12)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.journal.fail = func(seq uint64) error {
			if seq > 1000 {
				cancel()
				return ctx.Err()
			}
			return nil
		}
		w.build()
		if err := w.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		w.stop()
	})
}

// Names are learned while the bridge runs, and shown.
func TestNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Now(), 12)
		w.session(journal.Connected, "acme", "e2")
		w.fix("acme", "e3", time.Now(), 12)
		w.settle()
		w.published()
		name := func(e string) string {
			p, _ := w.Position("acme", e)
			return p.Name
		}
		w.store.set(func(s *memStore) {
			s.employees = []track.Employee{{Company: "acme", ID: "e1", Name: "Asha"}, {Company: "acme", ID: "e2", Name: "Ben"}, {Company: "new", ID: "e1", Name: "Other"}}
		})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		events := w.published()
		if name("e1") != "Asha" || len(events) != 1 || events[0].Position == nil || events[0].Position.Name != "Asha" || events[0].Seq != 3 {
			t.Errorf("name %q, events %+v", name("e1"), events)
		}
		w.fix("acme", "e2", time.Now(), 12)
		w.fix("acme", "e3", time.Now(), 13)
		w.fix("new", "e1", time.Now(), 12)
		synctest.Wait()
		if name("e2") != "Ben" || name("e3") != "" || w.Positions("new")[0].Name != "Other" {
			t.Errorf("e2 is %q, e3 is %q", name("e2"), name("e3"))
		}

		w.store.set(func(s *memStore) { s.err = track.ErrUnavailable })
		time.Sleep(time.Minute)
		if name("e1") != "Asha" {
			t.Error("the name is forgotten when the database is away")
		}
		w.store.set(func(s *memStore) {
			s.err = nil
			s.employees = []track.Employee{{Company: "acme", ID: "e1", Name: "Asha Rao", Team: "North"}, {Company: "acme", ID: "e3", Team: "North"}}
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if name("e1") != "Asha Rao" || name("e2") != "" {
			t.Errorf("e1 is %q, e2 is %q", name("e1"), name("e2"))
		}
		w.fix("acme", "e1", time.Now(), 14)
		synctest.Wait()
		for employee, want := range map[string]string{"e1": "North", "e2": "", "e3": "North"} {
			if p, _ := w.Position("acme", employee); p.Team != want {
				t.Errorf("%s is in team %q, want %q", employee, p.Team, want)
			}
		}
	})
}
