package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"fieldcast/bridge"
	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/payload"
	"fieldcast/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a bridge with everything around it. Tests run it in a synctest
// bubble: the clock stands still until all wait.
type world struct {
	t       *testing.T
	journal *memJournal
	store   *memStore
	hub     *feed.Hub
	events  *feed.Subscription
	metrics *prometheus.Registry
	options func(*bridge.Options)
	memory  int // bytes of outcomes that the bridge keeps; 0: as usual
	*bridge.Bridge
	logs *strings.Builder
}

func newWorld(t *testing.T) *world {
	time.Sleep(24 * time.Hour) // a bubble's clock begins with the year 2000, before which no phone's clock is believed
	return &world{t: t, journal: newMemJournal(), store: newMemStore()}
}

// inWorld runs a test in a world whose bridge has been started.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer w.stop()
		test(t, w)
	})
}

// build makes a new bridge on the same journal and store.
func (w *world) build() {
	w.t.Helper()
	w.logs = &strings.Builder{}
	w.metrics = prometheus.NewRegistry()
	w.hub = feed.NewHub(feed.Options{})
	w.events = w.hub.Subscribe("", 100_000)
	o := bridge.Options{
		Journal: w.journal, Store: w.store, Feed: w.hub, Registerer: w.metrics,
		Logger: slog.New(slog.NewTextHandler(w.logs, nil)),
	}
	if w.options != nil {
		w.options(&o)
	}
	var err error
	if w.Bridge, err = bridge.New(o); err != nil {
		w.t.Fatal(err)
	}
	if w.memory > 0 {
		bridge.LimitRecent(w.Bridge, w.memory)
	}
}

func (w *world) start() {
	w.t.Helper()
	w.build()
	if err := w.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// stop closes the bridge and gives it a minute to drain.
func (w *world) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		w.t.Errorf("close: %v", err)
	}
	w.events.Close()
}

// kill ends the bridge without letting it finish anything.
func (w *world) kill() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	_ = w.Close(ctx)
	w.events.Close()
}

func (w *world) append(r journal.Record) uint64 {
	w.t.Helper()
	if r.ReceivedAt.IsZero() {
		r.ReceivedAt = time.Now()
	}
	seq, err := w.journal.Append(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return seq
}

// send appends what a phone publishes.
func (w *world) send(company, employee string, body []byte) uint64 {
	w.t.Helper()
	return w.append(journal.Record{
		Kind: journal.Message, Company: company, Employee: employee,
		Topic: "fc/" + company + "/" + employee, Payload: body,
	})
}

// fix sends one location, recorded at a moment.
func (w *world) fix(company, employee string, at time.Time, lat float64) uint64 {
	w.t.Helper()
	return w.send(company, employee, location(at, lat))
}

func (w *world) session(kind journal.Kind, company, employee string) uint64 {
	w.t.Helper()
	return w.append(journal.Record{Kind: kind, Company: company, Employee: employee})
}

// settle lets everything happen that happens by itself within a second.
func (w *world) settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// published takes the events that have arrived.
func (w *world) published() []feed.Event {
	var es []feed.Event
	for {
		select {
		case e := <-w.events.Events():
			es = append(es, e)
		default:
			return es
		}
	}
}

// metric returns the sum of a metric's values, or the count of a histogram.
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(labels) == 0 || m.GetLabel()[0].GetValue() == labels[0] {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func location(at time.Time, lat float64) []byte {
	return payload.EncodeOwnTracks(track.Fix{Lat: lat, Lon: 77.5, RecordedAt: at.Truncate(time.Second), AccuracyM: track.Some(10.0)})
}

func TestFixesReachMapAndStoreInOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		begin := time.Now().Add(-time.Hour)
		for i := range 300 {
			w.fix([]string{"acme", "beta", "gamma"}[i%3], fmt.Sprint("e", i%7), begin.Add(time.Duration(i)*time.Second), 12+float64(i)/1e4)
			if i%50 == 0 {
				w.settle()
			}
		}
		w.settle()
		events := w.published()
		if len(events) != 300 {
			t.Fatalf("got %d events, want 300", len(events))
		}
		for i, e := range events {
			if e.Seq != uint64(i+1) || e.Position == nil || e.Position.Company != e.Company || e.Position.Employee != e.Employee {
				t.Fatalf("event %d: %+v", i, e)
			}
		}
		if n := len(w.store.fixes); n != 300 || w.store.cursor != 300 {
			t.Errorf("store: %d fixes through %d, want 300", n, w.store.cursor)
		}
		for company, want := range map[string]uint64{"acme": 298, "beta": 299, "gamma": 300, "nobody": 0} {
			if got := w.Seq(company); got != want {
				t.Errorf("%s stands at %d, want %d", company, got, want)
			}
		}
		if got := w.Positions("beta"); len(got) != 7 || got[0].Employee != "e0" || got[6].State != track.StateOffline {
			t.Errorf("positions of beta: %+v", got)
		}
		if committed, lag := w.metric("fieldcast_fixes_committed_total"), w.metric("fieldcast_journal_lag_records"); committed != 300 || lag != 0 {
			t.Errorf("metrics: %v committed, %v behind", committed, lag)
		}
		if n := w.metric("fieldcast_fix_to_feed_seconds"); n != 300 {
			t.Errorf("metrics: %v fixes to the feed, want 300", n)
		}
	})
}

func TestUnusable(t *testing.T) {
	if _, err := bridge.New(bridge.Options{}); err == nil {
		t.Error("New without anything: no error")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.build()
		if w.Status() == nil || len(w.Positions("acme")) != 0 || len(w.Presence("acme")) != 0 || w.Seq("acme") != 0 {
			t.Error("not started: shows something")
		}
		if _, ok := w.Position("acme", "e1"); ok {
			t.Error("not started: has a position")
		}
		w.stop()
		if err := w.Start(t.Context()); err == nil {
			t.Error("Start after Close: no error")
		}

		w.start()
		if err := w.Start(t.Context()); err == nil {
			t.Error("second Start: no error")
		}
		if err := w.Status(); err != nil {
			t.Errorf("started: %v", err)
		}
		w.stop()
		w.stop()
		if w.Status() == nil {
			t.Error("closed: healthy")
		}
		o := bridge.Options{Journal: w.journal, Store: w.store, Feed: w.hub, Registerer: w.metrics}
		if _, err := bridge.New(o); err == nil {
			t.Error("the same metrics twice: no error")
		}
	})
}

// A bridge keeps running when the context of its start ends.
func TestStartContextEndsTheStartOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.build()
		ctx, cancel := context.WithCancel(t.Context())
		if err := w.Start(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		w.fix("acme", "e1", time.Now(), 12)
		w.settle()
		if len(w.store.fixes) != 1 || w.Status() != nil {
			t.Errorf("%d fixes, %v", len(w.store.fixes), w.Status())
		}
		w.stop()
	})
}

func TestJournalThatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		fatal bool
	}{
		"corrupt":      {journal.ErrCorrupt, true},
		"for a moment": {errors.New("input/output error"), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				bad := true
				w.journal.fail = func(seq uint64) error {
					if seq == 3 && bad {
						return tt.err
					}
					return nil
				}
				w.start()
				for i := range 5 {
					w.fix("acme", "e1", time.Now(), 12+float64(i)/1e4)
					w.settle()
				}
				if err := w.Status(); !errors.Is(err, tt.err) {
					t.Errorf("status: %v, want %v", err, tt.err)
				}
				failed := false
				select {
				case <-w.Failed():
					failed = true
				default:
				}
				if failed != tt.fatal {
					t.Errorf("failed: %v, want %v", failed, tt.fatal)
				}
				if !tt.fatal {
					w.journal.mu.Lock()
					bad = false
					w.journal.mu.Unlock()
					time.Sleep(10 * time.Second)
					if err := w.Status(); err != nil || len(w.store.fixes) != 5 {
						t.Errorf("afterwards: %v, %d fixes", err, len(w.store.fixes))
					}
					w.stop()
					return
				}
				if err := w.Close(t.Context()); !errors.Is(err, tt.err) {
					t.Errorf("close: %v", err)
				}
				if len(w.store.fixes) != 2 {
					t.Errorf("%d fixes, want those before", len(w.store.fixes))
				}
			})
		})
	}
}
