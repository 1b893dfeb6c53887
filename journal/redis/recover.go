package redis

import (
	"context"
	"fmt"

	"fieldcast/journal"
)

// prepare looks at the server that takes the writes now: whether it keeps what
// is configured, and what it has. Records that it has lost are written again as
// far as they are still in memory here. through is the newest record that it
// can have.
func (j *Journal) prepare(ctx context.Context, through uint64) error {
	confirm, err := j.examine(ctx)
	if err != nil {
		return err
	}
	at, err := j.beat(ctx, confirmation{})
	if err != nil {
		return err
	}
	j.mu.Lock()
	known, first := j.place.last, j.place.first
	j.confirm, j.cut = confirm, at.first
	j.place.total, j.place.cut = at.total, at.cut
	j.mu.Unlock()
	j.held, j.maybe = at.last, at.last > known
	switch {
	case at.last < known:
		if err := j.restore(ctx, at.last, known, first); err != nil {
			return err
		}
	case at.last > known && at.last != through:
		return fmt.Errorf("%w: it has record %d, which this process has not written", errFinal, at.last)
	case at.last > known: // an earlier attempt was written; the script will say so
		j.held = known
	}
	j.sound = true
	return nil
}

// examine asks the server what it keeps, and returns what it must be asked
// behind each write; or why it may not be written to.
func (j *Journal) examine(ctx context.Context) (confirmation, error) {
	s, err := j.client.look(ctx)
	if err != nil {
		return confirmation{}, err
	}
	if s.role != "master" {
		return confirmation{}, fmt.Errorf("%w: it is a replica", errNotPrimary)
	}
	return s.confirmation(j.o)
}

// beat tells Redis that this process lives, and returns where the shard stands.
func (j *Journal) beat(ctx context.Context, confirm confirmation) (place, error) {
	a, err := j.client.run(ctx, beatScript, confirm, j.me, j.who)
	if err != nil {
		return place{}, err
	}
	if a.status != statusOK {
		return place{}, refused(a)
	}
	return readPlace(a)
}

// restore writes again what Redis has lost, the records behind has through
// known, as far as they are in memory. Those before first are in the database.
func (j *Journal) restore(ctx context.Context, has, known, first uint64) error {
	from := max(has+1, first)
	j.mu.Lock()
	start, ok := j.tail.First()
	if start = max(start, from); !ok || start > known {
		start = known + 1
	}
	records := j.tail.From(start, j.o.TailRecords)
	j.mu.Unlock()
	if start > has+1 { // what cannot be written again leaves a hole
		a, err := j.client.run(ctx, skipScript, confirmation{}, j.me, has, start-1, min(first, start))
		if err == nil && a.status != statusOK {
			err = refused(a)
		}
		if err != nil {
			return err
		}
		j.held = start - 1
	}
	if lost := start - from; lost > 0 {
		j.metrics.lost.Add(float64(lost))
		j.log.Error("redis has lost acknowledged records that are nowhere else; the numbers go on behind them",
			"from", from, "through", start-1, "lost", lost)
	}
	if len(records) > 0 {
		j.log.Warn("redis has lost records; they are written again from memory", "from", start, "through", known)
	}
	return j.writeAgain(ctx, records)
}

func (j *Journal) writeAgain(ctx context.Context, records []journal.Record) error {
	for len(records) > 0 {
		n := batch(records)
		encoded := make([]any, n)
		for i := range n {
			b := encode(&records[i])
			seal(b, records[i].Seq)
			encoded[i] = b
		}
		a, err := j.append(ctx, encoded, records[0].Seq, 0) // they were within the limit before
		if err == nil && a.status != statusOK {
			err = refused(a)
		}
		if err != nil {
			return err
		}
		j.held = records[n-1].Seq
		j.metrics.restored.Add(float64(n))
		j.mu.Lock()
		j.countLocked(a)
		j.mu.Unlock()
		records = records[n:]
	}
	return nil
}

// batch is how many of the records one script may write.
func batch(records []journal.Record) int {
	size := 0
	for i := range records {
		size += len(records[i].Payload) + beside
		if i == groupRecords || i > 0 && size > groupBytes {
			return i
		}
	}
	return len(records)
}
