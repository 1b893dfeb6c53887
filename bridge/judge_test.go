package bridge_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"fieldcast/bridge"
	"fieldcast/journal"
	"fieldcast/payload"
	"fieldcast/track"
)

// A fix that is dated in the future is shown and marked, and the next real one
// takes its place.
func TestFutureCannotFreeze(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Now().AddDate(10, 0, 0), 13)
		synctest.Wait()
		if p, ok := w.Position("acme", "e1"); !ok || !p.Quality.Has(track.MarkFuture) {
			t.Errorf("from the future: %+v, %v", p, ok)
		}
		time.Sleep(30 * time.Second)
		want := w.fix("acme", "e1", time.Now(), 12)
		synctest.Wait()
		if p, _ := w.Position("acme", "e1"); p.Seq != want || p.State != track.StateLive {
			t.Errorf("frozen: %+v", p)
		}
	})
}

// A clock that was never set gives no position, but the fix is kept.
func TestClockOf1970(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Unix(1000, 0), 13)
		w.settle()
		if p, ok := w.Position("acme", "e1"); ok || len(w.published()) != 0 {
			t.Errorf("got %+v", p)
		}
		if len(w.store.fixes) != 1 || len(w.store.positions) != 0 {
			t.Errorf("store: %d fixes, %d positions, want 1 and none", len(w.store.fixes), len(w.store.positions))
		}
		for _, f := range w.store.fixes {
			if !f.Quality.Has(track.MarkStale) {
				t.Errorf("marks %v", f.Quality)
			}
		}
	})
}

// A phone sends its queue 51 times.
func TestDuplicateStorm(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		begin := time.Now().Add(-10 * time.Minute)
		for range 51 {
			for i := range 20 {
				w.fix("acme", "e1", begin.Add(time.Duration(i)*30*time.Second), 12+float64(i)/1e4)
			}
		}
		w.settle()
		if len(w.store.fixes) != 20 {
			t.Errorf("%d fixes, want 20", len(w.store.fixes))
		}
		if c, d := w.metric("fieldcast_fixes_committed_total"), w.metric("fieldcast_fixes_duplicate_total"); c != 20 || d != 1000 {
			t.Errorf("metrics: %v committed, %v duplicate", c, d)
		}
		if p, _ := w.Position("acme", "e1"); p.Seq != 20 || p.Lat != 12.0019 {
			t.Errorf("position: %+v", p)
		}
		if n := len(w.published()); n != 20 {
			t.Errorf("%d events, want 20", n)
		}
	})
}

// The last-known position is the same in whatever order the fixes arrive.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	type sent struct {
		at  time.Duration // before now
		lat float64
		acc float64
	}
	fixes := []sent{
		{50 * time.Minute, 12, 10},
		{20 * time.Minute, 12.1, 10},
		{20 * time.Minute, 12.2, 10}, // the same second at another place
		{15 * time.Minute, 12.3, 5000},
		{26 * time.Hour, 12.4, 5},
		{10 * time.Minute, 12.5, 900}, // newer, but not by the patience
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer w.stop()
		now := time.Now()
		r := rand.New(rand.NewPCG(1, 2))
		var want track.Position
		for round := range 200 {
			person := fmt.Sprint("e", round)
			for _, i := range r.Perm(len(fixes)) {
				w.send("acme", person, payload.EncodeOwnTracks(track.Fix{
					Lat: fixes[i].lat, Lon: 77, AccuracyM: track.Some(fixes[i].acc), RecordedAt: now.Add(-fixes[i].at),
				}))
			}
			w.settle()
			p, _ := w.Position("acme", person)
			if round == 0 {
				want = p
			}
			if p.Lat != want.Lat || !p.RecordedAt.Equal(want.RecordedAt) {
				t.Fatalf("round %d: %v of %v, want %v of %v", round, p.Lat, p.RecordedAt, want.Lat, want.RecordedAt)
			}
		}
	})
}

// A backlog that arrives late is stored and does not move the position.
func TestBacklog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fix("acme", "e1", time.Now(), 12)
		w.send("acme", "e1", batchOf(t, 500, time.Now().Add(-5*time.Hour)))
		w.settle()
		if p, _ := w.Position("acme", "e1"); p.Seq != 1 || len(w.store.fixes) != 501 {
			t.Errorf("position of record %d, %d fixes", p.Seq, len(w.store.fixes))
		}
		if n := len(w.published()); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestPoison(t *testing.T) {
	poison := map[string][]byte{
		"nothing":    {},
		"text":       []byte("hello"),
		"zeros":      make([]byte, 100),
		"unfinished": []byte(`{"_type":"location","lat":1`),
		"no place":   []byte(`{"_type":"location","tst":1790000000}`),
		"far away":   []byte(`{"_type":"location","lat":1e300,"lon":-1e300,"tst":1790000000}`),
		"deep":       []byte(strings.Repeat("[", 100_000)),
		"list":       []byte("[" + strings.Repeat("1,", 5000) + "1]"),
		"batch":      {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"encrypted":  []byte(`{"_type":"encrypted","data":"x"}`),
		"large":      bytes.Repeat([]byte("x"), 1<<20),
		"panic":      []byte("panic"),
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		b := make([]byte, r.IntN(300))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		poison[fmt.Sprint("random ", i)] = b
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.options = func(o *bridge.Options) {
			o.Decode = func(leaf string, body []byte) payload.Message {
				if string(body) == "panic" {
					panic("decoder")
				}
				return payload.Decode(leaf, body)
			}
		}
		w.start()
		defer w.stop()
		kept := make(map[uint64]string)
		for name, body := range poison {
			kept[w.send("acme", "e1", body)] = name
		}
		w.fix("acme", "e1", time.Now(), 12)
		w.settle()
		if len(w.store.fixes) != 1 || w.Status() != nil {
			t.Errorf("%d fixes, %v", len(w.store.fixes), w.Status())
		}
		shown := make(map[uint64]int)
		for _, e := range w.published() {
			if e.Rejection != nil {
				shown[e.Seq]++
			}
		}
		stored := make(map[uint64]int)
		for _, rej := range w.store.rejected {
			stored[rej.Seq]++
			if rej.Detail == "" || !utf8.ValidString(rej.Detail) || rej.Company != "acme" || len(rej.Payload) > track.MaxRejectedPayload {
				t.Errorf("%s: %+v", kept[rej.Seq], rej)
			}
		}
		for seq, name := range kept {
			if len(poison[name]) == 0 { // an empty message is a wish, not a mistake
				continue
			}
			if shown[seq] == 0 || stored[seq] != shown[seq] || stored[seq] > 16 {
				t.Errorf("%s: %d stored, %d shown", name, stored[seq], shown[seq])
			}
		}
		if n := w.metric("fieldcast_fixes_rejected_total"); n < 5000 {
			t.Errorf("counted %v: want each part", n)
		}
		if !strings.Contains(w.logs.String(), "the decoder crashed") {
			t.Error("the log does not say that the decoder crashed")
		}
		if w.metric("fieldcast_messages_ignored_total") == 0 {
			t.Error("what is ignored is not counted")
		}
	})
}

func TestRefusedAtTheDoor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		r       journal.Record
		reason  track.Reason
		detail  string
		unshown bool
	}{
		{
			name: "too large", reason: track.ReasonTooLarge, detail: "the message has 3000000 bytes, more than this server takes",
			r: journal.Record{Company: "acme", Employee: "e1", Topic: "fc/acme/e1", Rejected: "too_large", Size: 3_000_000, Payload: make([]byte, 9000)},
		},
		{
			name: "topic", reason: track.ReasonBadTopic, detail: "a phone of e1 may not write to the topic \"fc/other/e2\uFFFD\"",
			r: journal.Record{Company: "acme", Employee: "e1", Topic: "fc/other/e2\x00", Rejected: "bad_topic", Payload: []byte("{}")},
		},
		{
			name: "unheard of", reason: "odd", detail: "the message was refused: odd",
			r: journal.Record{Company: "acme", Employee: "e1", Topic: strings.Repeat("\xff", 5000), Rejected: "odd"},
		},
		{
			name: "nobody's", reason: track.ReasonBadTopic, detail: "the message came without the name of a person", unshown: true,
			r: journal.Record{Company: "ACME\x00", Employee: "", Topic: "fc/acme/e1", Payload: []byte("{}")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				tt.r.Kind = journal.Message
				w.append(tt.r)
				w.settle()
				if len(w.store.rejected) != 1 {
					t.Fatalf("got %d rejections", len(w.store.rejected))
				}
				got := w.store.rejected[0]
				if got.Reason != tt.reason || got.Detail != tt.detail || !utf8.ValidString(got.Topic) ||
					strings.ContainsRune(got.Topic, 0) || len(got.Topic) > 1000 || len(got.Payload) > track.MaxRejectedPayload {
					t.Errorf("got %+v", got)
				}
				if n := len(w.published()); (n == 0) != tt.unshown {
					t.Errorf("%d events", n)
				}
				if w.metric("fieldcast_fixes_rejected_total") != 1 {
					t.Error("not counted")
				}
			})
		})
	}
}

func TestReports(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.append(journal.Record{
			Kind: journal.Message, Company: "acme", Employee: "e1", Topic: "fc/acme/e1/step",
			Payload: []byte(`{"_type":"steps","tst":1790000000,"steps":12}`),
		})
		w.settle()
		if len(w.store.reports) != 1 {
			t.Fatalf("got %d reports", len(w.store.reports))
		}
		if r := w.store.reports[0]; r.Kind != "steps" || r.Company != "acme" || r.Employee != "e1" || r.Seq != 1 || !strings.Contains(string(r.Body), "12") {
			t.Errorf("got %+v", r)
		}
	})
}

// The interval is learned from live reports and survives a restart.
func TestInterval(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		interval := func() float64 {
			synctest.Wait()
			p, _ := w.Position("acme", "e1")
			return p.IntervalS.Or(-1)
		}
		report := func(n int, every time.Duration) {
			for range n {
				time.Sleep(every)
				w.fix("acme", "e1", time.Now(), 12)
			}
		}
		near := func(name string, want float64) {
			t.Helper()
			if got := interval(); got < want*0.9 || got > want*1.1 {
				t.Errorf("%s: %v s, want about %v", name, got, want)
			}
		}
		report(1, time.Second)
		if got := interval(); got != -1 {
			t.Errorf("after one fix: %v", got)
		}
		report(1, 30*time.Second)
		near("after two", 30)
		report(20, 30*time.Second)
		near("steady", 30)
		report(1, 50*time.Minute)
		if got := interval(); got > 36 {
			t.Errorf("a break counts as %v", got)
		}
		report(5, 30*time.Second)
		report(1, 90*time.Minute)
		near("a night", 30)
		for i := range 60 { // a queue that comes late says nothing about now
			w.fix("acme", "e1", time.Now().Add(time.Duration(i-70)*time.Minute), 12)
		}
		for range 51 {
			w.fix("acme", "e1", time.Now(), 12)
		}
		near("a backlog and duplicates", 30)
		report(30, 10*time.Minute)
		near("another rhythm", 600)
		before := interval()
		w.stop()
		w.start()
		if got := interval(); got != before {
			t.Errorf("restarted: %v, want %v", got, before)
		}
	})
}
