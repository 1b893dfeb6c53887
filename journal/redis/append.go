package redis

import (
	"context"
	"fmt"
	"time"

	"fieldcast/journal"
)

// waiter is an append under way.
type waiter struct {
	record   journal.Record
	encoded  []byte     // the record's payload is a part of it
	result   chan error // gets one value
	canceled bool       // guarded by Journal.mu; set before the writer has taken it
	taken    bool       // guarded by Journal.mu
}

// Append implements [journal.Journal]. It waits for a Redis that is away for as
// long as Options.Timeout says, then returns [journal.ErrUnavailable]: the record
// may be written later. A record larger than 16 MiB is an error.
func (j *Journal) Append(ctx context.Context, r journal.Record) (uint64, error) {
	began := time.Now()
	if j.client == nil {
		return 0, journal.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w := &waiter{encoded: encode(&r), record: r, result: make(chan error, 1)}
	if len(w.encoded) > maxRecord {
		return 0, fmt.Errorf("append to journal: a record of %d bytes is larger than %d", len(w.encoded), maxRecord)
	}
	w.record.ReceivedAt = r.ReceivedAt.Round(0).UTC() // as it would be read back
	w.record.Payload = nil
	if n := len(r.Payload); n > 0 {
		w.record.Payload = w.encoded[len(w.encoded)-n:]
	}
	if err := j.enqueue(w); err != nil {
		return 0, err
	}
	patience := time.NewTimer(j.o.Timeout)
	defer patience.Stop()
	select {
	case err := <-w.result:
		if err != nil {
			return 0, err
		}
		j.metrics.appendSeconds.Observe(time.Since(began).Seconds())
		return w.record.Seq, nil
	case <-patience.C:
		j.metrics.unavailable.Inc()
		return 0, j.leave(w)
	case <-ctx.Done():
		j.leave(w) //nolint:errcheck // ctx has the reason
		return 0, ctx.Err()
	}
}

func (j *Journal) enqueue(w *waiter) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(); err != nil {
		return err
	}
	j.pending = append(j.pending, w)
	j.work.Broadcast()
	return nil
}

// leave takes a waiter out of the queue, unless it is being written, and says
// why it has waited.
func (j *Journal) leave(w *waiter) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	w.canceled = !w.taken
	why := j.trouble[appending]
	if why == nil {
		why = fmt.Errorf("no answer in %s", j.o.Timeout)
	}
	return j.unavailable(why)
}
