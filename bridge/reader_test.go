package bridge_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/feed"
	"fieldcast/journal"
	"fieldcast/track"
)

// reader follows a company as a dashboard does: by frames, and by a catch-up
// when one is missing. See the documentation of package feed.
type reader struct {
	w        *world
	have     uint64
	people   map[string]seen
	caughtUp int
	restarts int
}

// seen is what a reader knows of a person.
type seen struct {
	name     string
	lat      float64
	seq      uint64
	presence track.PresenceState
	since    time.Time
}

func (r *reader) snapshot() {
	r.have = r.w.Seq("acme")
	r.people = make(map[string]seen)
	for _, p := range r.w.Positions("acme") {
		r.put(p)
	}
}

func (r *reader) put(p track.Position) {
	r.people[p.Employee] = seen{p.Name, p.Lat, p.Seq, p.Presence, p.PresenceSince.Value.UTC()}
}

func (r *reader) catchUp() {
	r.caughtUp++
	changed, seq, ok := r.w.After("acme", r.have)
	if !ok {
		r.restarts++
		r.snapshot()
		return
	}
	for _, p := range changed {
		r.put(p)
	}
	r.have = seq
}

func (r *reader) frame(f *feed.Frame) {
	switch {
	case f.Seq < r.have:
		return
	case f.Prev > r.have:
		r.catchUp()
		return
	}
	for i := range f.Rows {
		cell := make(map[string]any)
		for j, col := range f.Cols {
			cell[col] = f.Rows[i][j]
		}
		if cell["lat"] == nil {
			continue
		}
		s := seen{lat: cell["lat"].(float64), seq: cell["seq"].(uint64)}
		s.name, _ = cell["name"].(string)
		if text, ok := cell["presence"].(string); ok {
			s.presence = track.PresenceState(text)
		}
		if since, ok := cell["presence_since"].(time.Time); ok {
			s.since = since.UTC()
		}
		r.people[cell["employee"].(string)] = s
	}
	r.have = f.Seq
}

// A reader that misses frames, and whose server restarts, ends with what the
// table holds.
func TestReaderNeverDrifts(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { followAtRandom(t, rand.New(rand.NewPCG(seed, 2))) })
		})
	}
}

func followAtRandom(t *testing.T, rnd *rand.Rand) {
	w := newWorld(t)
	var frames *feed.Subscription
	var stopHub func()
	start := func() {
		w.start()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.hub.Run(ctx) }()
		stopHub = func() { cancel(); <-ended }
		frames = w.hub.SubscribeFrames("acme", 1000)
		w.append(journal.Record{Kind: journal.Started})
	}
	stop := func(how func()) {
		how()
		stopHub()
		frames.Close()
	}
	start()
	synctest.Wait()
	r := &reader{w: w}
	r.snapshot()
	take := func(missed func() bool) {
		for len(frames.Events()) > 0 {
			if e := <-frames.Events(); !missed() {
				r.frame(e.Frame)
			}
		}
	}
	for range 600 {
		employee := fmt.Sprint("e", rnd.IntN(8))
		switch rnd.IntN(12) {
		case 0:
			w.session(journal.Connected, "acme", employee)
		case 1:
			w.session(journal.Disconnected, "acme", employee)
		case 2:
			w.session(journal.Connected, "beta", employee)
		case 3:
			time.Sleep(time.Duration(rnd.IntN(600)) * time.Millisecond)
			synctest.Wait()
			take(func() bool { return rnd.IntN(3) == 0 })
		case 4:
			if rnd.IntN(8) == 0 {
				stop([]func(){w.stop, w.kill}[rnd.IntN(2)])
				start()
				r.catchUp() // who has lost the connection asks
			}
		default:
			w.fix("acme", employee, time.Now().Add(-time.Duration(rnd.IntN(10))*time.Second), 12+float64(rnd.IntN(1000))/1e4)
		}
	}
	w.settle()
	take(func() bool { return rnd.IntN(3) == 0 })
	w.fix("acme", "e0", time.Now(), 14) // one more frame, which shows whether the last ones were missed
	w.settle()
	take(func() bool { return false })

	want := &reader{w: w}
	want.snapshot()
	if r.have != want.have || len(r.people) != len(want.people) {
		t.Errorf("stands at %d with %d people, want %d with %d", r.have, len(r.people), want.have, len(want.people))
	}
	for e, p := range want.people {
		if r.people[e] != p {
			t.Errorf("%s: got %+v, want %+v", e, r.people[e], p)
		}
	}
	if r.caughtUp == 0 {
		t.Error("nothing was ever missed: the test tests nothing")
	}
	stop(w.stop)
}
