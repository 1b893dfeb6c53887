package bridge

import (
	"sort"
	"sync"
)

// maxRecentBytes bounds the memory of outcomes that the database has not taken
// yet. What does not fit is read from the journal again: an outage of the
// database costs work afterwards, and no memory meanwhile.
const maxRecentBytes = 16 << 20

// recent holds the newest outcomes of the live follower in order, for the
// committing one. Safe for concurrent use.
type recent struct {
	more     chan struct{} // has a value when there is something new; one reader
	maxBytes int

	mu       sync.Mutex
	outcomes []*outcome // without a hole between them
	bytes    int
	through  uint64 // the last record that has been pushed
	ended    bool
}

// newRecent returns an empty one that begins behind seq.
func newRecent(seq uint64, maxBytes int) *recent {
	return &recent{more: make(chan struct{}, 1), maxBytes: maxBytes, through: seq}
}

// push adds the next outcome, in place of the oldest ones if it must.
func (r *recent) push(o *outcome) {
	r.mu.Lock()
	r.outcomes = append(r.outcomes, o)
	r.bytes += weight(o)
	r.through = o.record.Seq
	drop := 0
	for r.bytes > r.maxBytes {
		r.bytes -= weight(r.outcomes[drop])
		r.outcomes[drop] = nil
		drop++
	}
	r.outcomes = r.outcomes[drop:]
	r.mu.Unlock()
	r.wake()
}

// end says that no more will come.
func (r *recent) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.wake()
}

func (r *recent) wake() {
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// after returns outcomes behind seq, oldest first, at most limit. Covered is
// false if some of them are not held any more. Ended is true if there are none
// and none will come.
func (r *recent) after(seq uint64, limit int) (os []*outcome, covered, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq >= r.through {
		return nil, true, r.ended
	}
	if len(r.outcomes) == 0 || seq < r.outcomes[0].after {
		return nil, false, false
	}
	from := sort.Search(len(r.outcomes), func(i int) bool { return r.outcomes[i].record.Seq > seq })
	to := min(from+limit, len(r.outcomes))
	return append([]*outcome(nil), r.outcomes[from:to]...), true, false
}

// release forgets the outcomes through seq: they are in the database.
func (r *recent) release(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(r.outcomes) && r.outcomes[n].record.Seq <= seq {
		r.bytes -= weight(r.outcomes[n])
		r.outcomes[n] = nil
		n++
	}
	r.outcomes = r.outcomes[n:]
}

// head returns the last record that the live follower has dealt with.
func (r *recent) head() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.through
}

// weight estimates the bytes that an outcome keeps alive.
func weight(o *outcome) int {
	const base, fix, report, rejection = 768, 256, 128, 320
	n := base + fix*len(o.fixes)
	for i := range o.reports {
		n += report + len(o.reports[i].Body)
	}
	for i := range o.rejected {
		n += rejection + len(o.rejected[i].Payload)
	}
	return n
}
