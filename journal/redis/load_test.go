package redis_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fieldcast/journal"
)

// load appends from many goroutines, as phones do: what is not acknowledged is
// sent again. It keeps a ledger of what was acknowledged.
type load struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu     sync.Mutex
	acked  map[uint64]string // payload by number
	slow   time.Duration     // the longest append
	denied int               // appends that were not acknowledged
}

func publish(t *testing.T, j journal.Journal, workers int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel, acked: map[uint64]string{}}
	for w := range workers {
		l.done.Go(func() {
			worker := fmt.Sprintf("w%d", w)
			for n := 0; ctx.Err() == nil; {
				began := time.Now()
				seq, err := j.Append(ctx, message(worker, n))
				l.mu.Lock()
				l.slow = max(l.slow, time.Since(began))
				switch {
				case err == nil:
					if l.acked[seq] != "" {
						t.Errorf("number %d was given twice", seq)
					}
					l.acked[seq] = payload(worker, n)
					n++
				case ctx.Err() == nil:
					l.denied++
					if !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, journal.ErrFull) {
						t.Errorf("append: %v", err)
						cancel()
					}
				}
				l.mu.Unlock()
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// end stops the load.
func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// moves waits until n more were acknowledged.
func (l *load) moves(t testing.TB, n int) {
	t.Helper()
	before := l.count()
	eventually(t, fmt.Sprintf("%d more acknowledgements", n), func() bool { return l.count() >= before+n })
}

// missing compares the ledger with what can be read, and returns how much of it
// is not there.
func (l *load) missing(t testing.TB, j journal.Journal) int {
	t.Helper()
	there := map[uint64]string{}
	s := j.Stats()
	before := s.First - 1
	for seq := s.First; seq <= s.Last; {
		rs, err := j.Read(t.Context(), seq, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if r.Seq <= before {
				t.Fatalf("record %d follows %d", r.Seq, before)
			}
			before = r.Seq
			there[r.Seq] = string(r.Payload)
			if want := payload(r.Employee, r.Size); string(r.Payload) != want {
				t.Fatalf("record %d holds %q, want %q", r.Seq, r.Payload, want)
			}
		}
		seq = before + 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := 0
	for seq, want := range l.acked {
		got, ok := there[seq]
		switch {
		case !ok:
			missing++
		case got != want:
			t.Errorf("record %d was acknowledged with %.40q, and is now %.40q", seq, want, got)
		}
	}
	return missing
}
