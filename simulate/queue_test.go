package simulate_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"fieldcast/simulate"
	"fieldcast/track"
)

// lats tells fixes apart by their latitude.
func lats(fs []track.Fix) (out []float64) {
	for _, f := range fs {
		out = append(out, f.Lat)
	}
	return out
}

func TestQueue(t *testing.T) {
	q := simulate.NewQueue()
	for i := range 5 {
		if simulate.QueueAdd(q, track.Fix{Lat: float64(i)}) {
			t.Fatal("dropped")
		}
	}
	take := func(from int64, n int, want []float64, wantNext int64, wantFirst int) {
		t.Helper()
		fixes, next, first := simulate.QueueTake(q, from, n)
		if !reflect.DeepEqual(lats(fixes), want) || next != wantNext || first != wantFirst {
			t.Errorf("take(%d, %d) = %v, %d, %d; want %v, %d, %d", from, n, lats(fixes), next, first, want, wantNext, wantFirst)
		}
	}
	take(0, 2, []float64{0, 1}, 2, 2)
	take(2, 2, []float64{2, 3}, 4, 2)
	simulate.QueueAck(q, 1)
	take(0, 9, []float64{1, 2, 3, 4}, 5, 1) // after a reconnect: three of them again
	take(5, 9, nil, 5, 0)
	simulate.QueueAck(q, 4)
	simulate.QueueAck(q, 2) // late: nothing happens
	take(0, 9, []float64{4}, 5, 0)
	simulate.QueueEnd(q)
	if simulate.QueueDone(q) || simulate.QueueWait(q, 0) != 1 {
		t.Error("done too early")
	}
	simulate.QueueAck(q, 5)
	if !simulate.QueueDone(q) || simulate.QueueWait(q, 0) != 0 {
		t.Error("not done")
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := simulate.NewQueue()
	for i := range simulate.MaxQueue + 2 {
		if dropped := simulate.QueueAdd(q, track.Fix{Lat: float64(i)}); dropped != (i >= simulate.MaxQueue) {
			t.Fatalf("add %d: dropped %v", i, dropped)
		}
	}
	simulate.QueueAck(q, 1) // of a fix that is gone already
	fixes, next, _ := simulate.QueueTake(q, 0, 1)
	if got := lats(fixes); !reflect.DeepEqual(got, []float64{2}) || next != 3 {
		t.Errorf("oldest is %v, next %d", got, next)
	}
}

func TestJittered(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		for range 100 {
			if d := simulate.Jittered(time.Second, failures, random); d < most/2 || d > most*3/2 {
				t.Fatalf("after %d failures: %v", failures, d)
			}
		}
	}
}

func TestSchedule(t *testing.T) {
	at := func(s int) track.Fix { return track.Fix{RecordedAt: begin.Add(time.Duration(s) * time.Second)} }
	recorded := []track.Fix{at(0), {RecordedAt: time.Unix(5, 0)}, at(20), at(10), at(40)}
	want := []time.Duration{0, 0, 10 * time.Second, 10 * time.Second, 20 * time.Second}
	if got := simulate.Schedule(recorded, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, want := simulate.Retime(recorded, start, 2)[4].RecordedAt, start.Add(20*time.Second); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := simulate.Schedule(nil, 1); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
