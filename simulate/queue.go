package simulate

import (
	"sync"

	"fieldcast/track"
)

// maxQueue is what a phone keeps at most, as many as OwnTracks on Android.
const maxQueue = 100_000

// queue holds the fixes of a phone that are not acknowledged, in order. Each
// has a number: 0, 1, 2, … in the order of their coming. The queue is safe for
// concurrent use by one writer and one reader.
type queue struct {
	changed chan struct{} // receives after an add or close

	mu        sync.Mutex
	fixes     []track.Fix
	head      int64 // number of fixes[0]
	attempted int64 // fixes below this number were handed to a connection
	closed    bool
}

func newQueue() *queue { return &queue{changed: make(chan struct{}, 1)} }

// add appends a fix. It reports whether a full queue lost its oldest fix.
func (q *queue) add(f track.Fix) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.fixes) >= maxQueue {
		q.fixes, dropped = q.fixes[1:], true
		q.head++
	}
	q.fixes = append(q.fixes, f)
	q.wake()
	return dropped
}

// close says that nothing more will come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// take copies at most n fixes, from number from on or from the oldest that is
// left, and returns the number of the fix after them. First is how many of
// them are handed out for the first time.
func (q *queue) take(from int64, n int) (fixes []track.Fix, next int64, first int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from = max(from, q.head)
	start := int(from - q.head)
	end := min(start+n, len(q.fixes))
	if start >= end {
		return nil, from, 0
	}
	fixes = append(fixes, q.fixes[start:end]...)
	next = q.head + int64(end)
	first = int(max(0, next-max(q.attempted, from)))
	q.attempted = max(q.attempted, next)
	return fixes, next, first
}

// acked removes the fixes below a number.
func (q *queue) acked(next int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := next - q.head; n > 0 {
		q.fixes = q.fixes[n:]
		q.head = next
	}
}

// waiting returns how many fixes there are from number from on.
func (q *queue) waiting(from int64) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.fixes) - int(max(0, from-q.head))
}

// done reports whether the queue is closed and empty.
func (q *queue) done() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.fixes) == 0
}
