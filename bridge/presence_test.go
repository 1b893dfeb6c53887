package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/journal"
	"fieldcast/track"
)

func TestPresence(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		frames := w.hub.SubscribeFrames("acme", 100)
		defer frames.Close()
		w.session(journal.Connected, "acme", "e1")
		w.fix("acme", "e2", time.Now(), 12)
		since := time.Now()
		w.session(journal.Connected, "acme", "e2")
		time.Sleep(time.Minute)
		w.session(journal.Connected, "acme", "e2") // was so already
		synctest.Wait()

		if p, ok := w.Position("acme", "e2"); !ok || p.Presence != track.Online || !p.PresenceSince.Value.Equal(since) || p.Changed != 3 || p.Seq != 2 {
			t.Errorf("e2: %+v, %v", p, ok)
		}
		if _, ok := w.Position("acme", "e1"); ok {
			t.Error("e1 has a position and never sent one")
		}
		if ps := w.Presence("acme"); len(ps) != 2 || ps["e1"].State != track.Online || !ps["e2"].Since.Equal(since) {
			t.Errorf("presence: %+v", ps)
		}
		if ps := w.Positions("acme"); len(ps) != 1 {
			t.Errorf("positions: %+v", ps)
		}
		if changed, seq, ok := w.After("acme", 2); !ok || seq != 3 || len(changed) != 1 || changed[0].Employee != "e2" {
			t.Errorf("after 2: %+v, %d, %v", changed, seq, ok)
		}
		if changed, seq, ok := w.After("acme", 0); !ok || seq != 3 || len(changed) != 1 {
			t.Errorf("after 0: %+v, %d, %v: e1 has no place to show", changed, seq, ok)
		}

		w.published()
		w.session(journal.Disconnected, "acme", "e2")
		w.session(journal.Disconnected, "acme", "e3")
		synctest.Wait()
		events := w.published()
		if len(events) != 2 || events[0].Presence == nil || events[0].Presence.State != track.Offline ||
			events[0].Person == nil || events[0].Person.Seq != 2 || events[1].Employee != "e3" {
			t.Errorf("events: %+v", events)
		}
	})
}

// When the server starts, nobody is connected, whatever was known before.
func TestStarted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.session(journal.Connected, "acme", "e1")
		w.session(journal.Connected, "beta", "e1")
		w.session(journal.Disconnected, "beta", "e1")
		w.fix("acme", "e2", time.Now(), 12)
		w.settle()
		w.published()
		time.Sleep(time.Minute)
		since := time.Now()
		started := w.append(journal.Record{Kind: journal.Started})
		synctest.Wait()

		acme := w.Presence("acme")
		for _, e := range []string{"e1", "e2"} {
			if acme[e].State != track.Offline || !acme[e].Since.Equal(since) {
				t.Errorf("%s: %+v", e, acme[e])
			}
		}
		if beta := w.Presence("beta")["e1"]; !beta.Since.Before(since) {
			t.Errorf("e1 of beta was offline before: %+v", beta)
		}
		if w.Seq("acme") != started || w.Seq("beta") == started {
			t.Errorf("acme stands at %d, beta at %d", w.Seq("acme"), w.Seq("beta"))
		}
		// Nobody had heard of e2's presence; it comes with the frame.
		if events := w.published(); len(events) != 1 || events[0].Employee != "e1" {
			t.Errorf("events: %+v, want that e1 of acme has gone", events)
		}
	})
}

// Presence that is in the journal still is there again after a crash; older
// presence is unknown until the server says that it has started.
func TestPresenceAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.session(journal.Connected, "acme", "e1")
		w.fix("acme", "e1", time.Now(), 12)
		w.settle()
		w.store.set(func(s *memStore) { s.err = track.ErrUnavailable })
		w.session(journal.Connected, "acme", "e2")
		w.fix("acme", "e2", time.Now(), 12)
		w.settle()
		w.kill()

		w.store.set(func(s *memStore) { s.err = nil })
		w.start()
		defer w.stop()
		ps := w.Presence("acme")
		if _, known := ps["e1"]; known || ps["e2"].State != track.Online {
			t.Errorf("warm: %+v", ps)
		}
		w.append(journal.Record{Kind: journal.Started})
		synctest.Wait()
		if ps := w.Presence("acme"); ps["e1"].State != track.Offline || ps["e2"].State != track.Offline {
			t.Errorf("started: %+v", ps)
		}
		for _, p := range w.Positions("acme") {
			if p.Presence != track.Offline {
				t.Errorf("started: %+v", p)
			}
		}
	})
}
