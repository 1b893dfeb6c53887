package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fieldcast/journal"
	"fieldcast/payload"
	"fieldcast/track"
)

// stream makes up what 6 phones of 2 companies send in some hours: live fixes,
// backlogs, duplicates, wrong clocks, jumps, nonsense, sessions.
func stream(r *rand.Rand, n int, now time.Time) []journal.Record {
	records := make([]journal.Record, n)
	var sent [][]byte
	for i := range records {
		now = now.Add(time.Duration(r.IntN(20_000)) * time.Millisecond)
		rec := journal.Record{
			Kind: journal.Message, Company: []string{"acme", "beta"}[r.IntN(2)], Employee: fmt.Sprint("e", r.IntN(3)), ReceivedAt: now,
		}
		rec.Topic = "fc/" + rec.Company + "/" + rec.Employee
		at, lat := now.Add(-time.Duration(r.IntN(3))*time.Second), 12+float64(r.IntN(100))/1e4
		switch kind := r.IntN(20); {
		case kind < 2:
			at = now.Add(-time.Duration(r.IntN(5)) * time.Hour)
		case kind == 2:
			at = now.Add(time.Duration(r.IntN(5)) * time.Hour)
		case kind == 3:
			lat = float64(r.IntN(80))
		case kind == 4:
			rec.Payload = []byte(`{"_type":"steps","steps":1}`)
		case kind == 5:
			rec.Payload = []byte("nonsense")
		case kind == 6:
			rec.Kind, rec.Topic = journal.Connected, ""
		case kind == 7:
			rec.Kind, rec.Topic = journal.Disconnected, ""
		case kind == 8:
			rec.Payload, rec.Rejected = []byte("{}"), "bad_topic"
		case kind < 12 && len(sent) > 0:
			rec.Payload = sent[r.IntN(len(sent))]
		}
		if rec.Kind == journal.Message && rec.Payload == nil {
			rec.Payload = payload.EncodeOwnTracks(track.Fix{Lat: lat, Lon: 77, RecordedAt: at, AccuracyM: track.Some(float64(5 * r.IntN(100)))})
			sent = append(sent, rec.Payload)
		}
		rec.Size = len(rec.Payload)
		records[i] = rec
	}
	return records
}

// judged is what the map shows, less what a restart may forget.
func (w *world) judged() string {
	var b strings.Builder
	for _, company := range []string{"acme", "beta"} {
		for _, p := range w.Positions(company) {
			fmt.Fprintf(&b, "%+v %v\n", p.Fix, p.IntervalS)
		}
	}
	return b.String()
}

// Wherever the server stops or crashes, and however often the database is away
// meanwhile, it ends with the same content and the same last-known positions.
func TestReplayIsDeterministic(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				records := stream(r, 100+r.IntN(1500), time.Now())

				straight := newWorld(t)
				straight.start()
				for _, rec := range records {
					straight.append(rec)
				}
				straight.settle()
				want, wantMap := straight.store.content(), straight.judged()
				straight.stop()

				w := newWorld(t)
				w.memory = []int{0, 1, 5000, 50_000}[seed%4]
				w.start()
				for _, rec := range records {
					w.append(rec)
					disturb(r, w)
				}
				w.store.set(func(s *memStore) { s.err, s.answer = nil, nil })
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := w.judged(); got != wantMap {
					t.Errorf("map:\n%s\nwant:\n%s", got, wantMap)
				}
				w.stop()
				if got := w.store.content(); got != want {
					t.Errorf("store: %s", firstDifference(got, want))
				}
				checkChain(t, w)
			})
		})
	}
}

// disturb does, now and then, what may happen to a server.
func disturb(r *rand.Rand, w *world) {
	switch r.IntN(60) {
	case 0:
		time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
	case 1:
		w.store.set(func(s *memStore) { s.err = track.ErrUnavailable })
	case 2, 3:
		w.store.set(func(s *memStore) { s.err = nil })
	case 4: // a clean stop
		w.store.set(func(s *memStore) { s.err = nil })
		w.stop()
		w.start()
	case 5: // a crash, somewhere between a commit and what follows it
		w.kill()
		w.store.set(func(s *memStore) { s.err = nil })
		w.start()
	case 6: // the next answer is lost, and the server crashes
		lost := false
		w.store.set(func(s *memStore) {
			s.err = nil
			s.answer = func(track.Batch) error {
				if lost {
					return nil
				}
				lost = true
				return track.ErrUnavailable
			}
		})
		time.Sleep(time.Duration(r.IntN(80)) * time.Millisecond)
		w.kill()
		w.start()
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\ngot  %s\nwant %s", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
