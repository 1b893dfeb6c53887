package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"fieldcast/feed"
	"fieldcast/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moved is the event of a person's new position.
func moved(company, employee string, seq uint64) feed.Event {
	at := time.Date(2026, 11, 23, 10, 0, int(seq%60), 0, time.UTC)
	return feed.Event{Company: company, Employee: employee, Seq: seq, Position: &track.Position{
		Fix: track.Fix{Company: company, Employee: employee, Lat: 12.5, Lon: 77.5, RecordedAt: at, ReceivedAt: at, Seq: seq},
	}}
}

// present is the event of a phone that has connected.
func present(company, employee string, seq uint64) feed.Event {
	p := track.Presence{State: track.Online, Since: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	return feed.Event{Company: company, Employee: employee, Seq: seq, Presence: &p, Person: &track.Position{
		Fix: track.Fix{Company: company, Employee: employee}, Presence: p.State, PresenceSince: track.Some(p.Since),
	}}
}

// run runs the hub inside a synctest bubble and returns what ends it.
func run(t *testing.T, h *feed.Hub) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// waiting takes the events that are there.
func waiting(s *feed.Subscription) []feed.Event {
	var es []feed.Event
	for {
		select {
		case e, open := <-s.Events():
			if !open {
				return es
			}
			es = append(es, e)
		default:
			return es
		}
	}
}

func TestOrderAndCompanies(t *testing.T) {
	h := feed.NewHub(feed.Options{})
	acme, all, other := h.Subscribe("acme", 100), h.Subscribe("", 100), h.Subscribe("other", 100)
	defer acme.Close()
	defer all.Close()
	defer other.Close()
	for seq := uint64(1); seq <= 60; seq++ {
		h.Publish(moved([]string{"acme", "beta", "other"}[seq%3], "e", seq))
	}
	for name, tt := range map[string]struct {
		sub     *feed.Subscription
		n       int
		company string
	}{"acme": {acme, 20, "acme"}, "other": {other, 20, "other"}, "all": {all, 60, ""}} {
		got := waiting(tt.sub)
		if len(got) != tt.n {
			t.Errorf("%s: got %d events, want %d", name, len(got), tt.n)
		}
		last := uint64(0)
		for _, e := range got {
			if e.Seq <= last {
				t.Errorf("%s: %d after %d", name, e.Seq, last)
			}
			if tt.company != "" && e.Company != tt.company {
				t.Errorf("%s: got an event of %s", name, e.Company)
			}
			last = e.Seq
		}
	}
}

func TestSlowSubscriberLosesAlone(t *testing.T) {
	r := prometheus.NewRegistry()
	h := feed.NewHub(feed.Options{Registerer: r})
	slow, quick := h.Subscribe("acme", 0), h.Subscribe("acme", 10)
	defer slow.Close()
	defer quick.Close()
	for seq := uint64(1); seq <= 10; seq++ {
		h.Publish(moved("acme", "e", seq))
	}
	if got := waiting(slow); len(got) != 1 || got[0].Seq != 1 || slow.Lost() != 9 {
		t.Errorf("slow: got %d events, lost %d, want the first and 9 lost", len(got), slow.Lost())
	}
	if got := waiting(quick); len(got) != 10 || quick.Lost() != 0 {
		t.Errorf("quick: got %d events, lost %d", len(got), quick.Lost())
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "fieldcast_feed_events_lost_total" {
			continue
		}
		m := f.GetMetric()[0]
		if m.GetCounter().GetValue() != 9 || m.GetLabel()[0].GetName() != "reason" {
			t.Errorf("metric: %v, want 9 with a reason", m)
		}
		return
	}
	t.Error("lost events have no metric")
}

func TestFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHub(feed.Options{})
		h.Resume("acme", 7)
		sub := h.SubscribeFrames("acme", 10)
		defer sub.Close()
		defer run(t, h)()

		h.Publish(moved("acme", "e1", 8))
		h.Publish(moved("beta", "x", 9))
		h.Publish(present("acme", "e2", 10))
		h.Publish(moved("acme", "e1", 11))
		time.Sleep(251 * time.Millisecond)
		h.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: 12, Rejection: &track.Rejection{}})
		time.Sleep(time.Second) // nothing that a frame shows
		quiet := present("acme", "e3", 13)
		quiet.Quiet = true
		h.Publish(quiet)
		time.Sleep(250 * time.Millisecond)

		got := waiting(sub)
		if len(got) != 2 {
			t.Fatalf("got %d frames, want 2", len(got))
		}
		first, second := got[0].Frame, got[1].Frame
		if first.Prev != 7 || first.Seq != 11 || second.Prev != 11 || second.Seq != 13 {
			t.Errorf("chain: %d-%d, %d-%d, want 7-11, 11-13", first.Prev, first.Seq, second.Prev, second.Seq)
		}
		if len(first.Rows) != 2 || len(second.Rows) != 1 {
			t.Fatalf("rows: %v, %v", first.Rows, second.Rows)
		}
		if e1 := cells(first, 0); e1["employee"] != "e1" || e1["seq"] != uint64(11) || e1["lat"] != 12.5 || e1["quality"] != track.Marks(0) {
			t.Errorf("e1: %v, want the newest values", e1)
		}
		if e2 := cells(first, 1); e2["employee"] != "e2" || e2["lat"] != nil || e2["lon"] != nil ||
			e2["recorded_at"] != nil || e2["state"] != track.StateNever || e2["presence"] != "online" {
			t.Errorf("e2: %v, want no place", e2)
		}
	})
}

func cells(f *feed.Frame, row int) map[string]any {
	m := make(map[string]any)
	for i, col := range f.Cols {
		m[col] = f.Rows[row][i]
	}
	return m
}

// The rows say the same as the JSON of a position.
func TestRowsAreThePositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		p := track.Position{
			Fix: track.Fix{
				Company: "acme", Employee: "e17", Lat: 12.97162, Lon: 77.59456,
				AccuracyM: track.Some(8.0), AltitudeM: track.Some(920.0), SpeedMPS: track.Some(4.2), CourseDeg: track.Some(120.0),
				BatteryPct: track.Some(81), Charging: track.Some(false), Trigger: "t", Network: track.NetworkMobile,
				RecordedAt: at, ReceivedAt: at.Add(time.Second), Seq: 9, Quality: track.MarkJump | track.MarkMock,
			},
			Name: "Asha Rao", IntervalS: track.Some(30.0), Presence: track.Online, PresenceSince: track.Some(at), Changed: 9,
		}
		h := feed.NewHub(feed.Options{Now: func() time.Time { return at.Add(10 * time.Second) }})
		sub := h.SubscribeFrames("", 1)
		defer sub.Close()
		h.Publish(feed.Event{Company: "acme", Employee: "e17", Seq: 9, Position: &p})
		run(t, h)() // the end closes the last window

		got := waiting(sub)
		if len(got) != 1 {
			t.Fatalf("got %d frames, want 1", len(got))
		}
		row := decoded(t, cells(got[0].Frame, 0))
		p.State = track.StateLive
		want := decoded(t, p)
		for _, left := range []string{"company", "changed"} { // in the frame's head, or not at all
			delete(want, left)
		}
		if !reflect.DeepEqual(row, want) {
			t.Errorf("row:  %v\nwant: %v", row, want)
		}
	})
}

func decoded(t *testing.T, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]any)
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The chain goes on while nobody watches, and begins once only.
func TestChainWithoutWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := feed.NewHub(feed.Options{})
		defer run(t, h)()
		h.Publish(moved("acme", "e1", 5))
		time.Sleep(300 * time.Millisecond)
		h.Resume("acme", 2) // too late: has no effect
		sub := h.Subscribe("acme", 10)
		defer sub.Close()
		h.Publish(moved("acme", "e1", 6))
		time.Sleep(300 * time.Millisecond)
		got := waiting(sub)
		if len(got) != 2 || got[1].Frame == nil || got[1].Frame.Prev != 5 {
			t.Errorf("got %+v, want a position and a frame after 5", got)
		}
	})
}

func TestClosedSubscription(t *testing.T) {
	h := feed.NewHub(feed.Options{})
	sub := h.Subscribe("acme", 2)
	h.Publish(moved("acme", "e", 1))
	sub.Close()
	sub.Close()
	h.Publish(moved("acme", "e", 2))
	if e, open := <-sub.Events(); !open || e.Seq != 1 {
		t.Errorf("got %v, %v, want what was waiting", e, open)
	}
	if _, open := <-sub.Events(); open || sub.Lost() != 0 {
		t.Errorf("open %v, lost %d after Close", open, sub.Lost())
	}
}

// Everything at once, for the race detector: who watches comes and goes while
// changes are published and windows close.
func TestManyAtOnce(t *testing.T) {
	h := feed.NewHub(feed.Options{Window: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	var hub, watchers sync.WaitGroup
	hub.Go(func() { _ = h.Run(ctx) })
	for i := range 8 {
		watchers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 200 {
				sub := h.Subscribe([]string{"", "acme", "beta"}[r.IntN(3)], r.IntN(20))
				last := make(map[string]uint64)
				for range r.IntN(20) {
					select {
					case e := <-sub.Events():
						if e.Seq < last[e.Company] {
							t.Errorf("%s: %d after %d", e.Company, e.Seq, last[e.Company])
						}
						last[e.Company] = e.Seq
					default:
					}
				}
				sub.Close()
			}
		})
	}
	hub.Go(func() {
		for seq := uint64(1); ctx.Err() == nil; seq++ {
			h.Publish(moved([]string{"acme", "beta"}[seq%2], fmt.Sprint("e", seq%100), seq))
		}
	})
	watchers.Wait()
	cancel()
	hub.Wait()
}

func BenchmarkPublish(b *testing.B) {
	h := feed.NewHub(feed.Options{})
	sub := h.Subscribe("", 1)
	defer sub.Close()
	events := make([]feed.Event, 10_000)
	for i := range events {
		events[i] = moved("acme", fmt.Sprint("e", i), uint64(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Publish(events[i%len(events)])
	}
}

// A company of 10,000 of whom everybody moves in one window.
func BenchmarkFrame(b *testing.B) {
	events := make([]feed.Event, 10_000)
	for i := range events {
		events[i] = moved("acme", fmt.Sprint("e", i), uint64(i))
	}
	h := feed.NewHub(feed.Options{Window: time.Hour})
	sub := h.SubscribeFrames("", 1)
	defer sub.Close()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	b.ReportAllocs()
	for b.Loop() {
		for i := range events {
			h.Publish(events[i])
		}
		_ = h.Run(done)
		<-sub.Events()
	}
}
