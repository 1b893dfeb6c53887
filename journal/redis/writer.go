package redis

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"fieldcast/journal"
)

// Who finds that something is wrong for now.
const (
	appending = "append"
	cutting   = "cut"
	beating   = "beat"
)

// write is the goroutine that changes the log. It ends when the journal is
// closing and nobody waits any more.
func (j *Journal) write() {
	defer j.writing.Done()
	for {
		before, more := j.awaitWork()
		if !more {
			return
		}
		j.changing.Lock()
		if before > 0 {
			j.cutOff(before)
		}
		if group := j.takeGroup(); len(group) > 0 {
			j.store(group)
		} else if j.takeRecover() {
			j.lookAgain()
		}
		j.changing.Unlock()
	}
}

// awaitWork waits until there is something to append, to cut off (the records
// before a number), or to look at.
func (j *Journal) awaitWork() (before uint64, more bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		before = 0
		if j.err == nil && j.cut < j.place.first && !j.holdCut {
			before = j.place.first
		}
		if before > 0 || len(j.pending) > 0 || j.recover && j.err == nil {
			return before, true
		}
		if j.shut {
			return 0, false
		}
		j.work.Wait()
	}
}

func (j *Journal) takeRecover() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.recover
	j.recover = false
	return r
}

// cutOff cuts off the records before a number. When Redis is away, that is
// done later.
func (j *Journal) cutOff(before uint64) {
	a, err := j.client.run(j.patient, cutScript, confirmation{}, j.me, before, beside)
	if err == nil && a.status != statusOK {
		err = refused(a)
	}
	if err != nil && !away(err) {
		j.fail(err)
		return
	}
	j.note(cutting, err)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.holdCut = true
		return
	}
	j.cut = before
	j.countLocked(a)
}

// countLocked takes total and cut from an answer.
func (j *Journal) countLocked(a answer) {
	total, err := strconv.ParseInt(a.at(0), 10, 64)
	cut, err2 := strconv.ParseInt(a.at(1), 10, 64)
	if err == nil && err2 == nil {
		j.place.total, j.place.cut = total, cut
	}
}

func (j *Journal) roomLocked() int64 {
	if j.o.MaxBytes == 0 {
		return math.MaxInt64
	}
	return j.o.MaxBytes - j.place.bytes()
}

// takeGroup takes what is written next, in order, and numbers it. It answers
// those that are not going to be written.
func (j *Journal) takeGroup() []*waiter {
	j.mu.Lock()
	defer j.mu.Unlock()
	var group []*waiter
	room := j.roomLocked()
	size, n := 0, 0
	for _, w := range j.pending {
		if len(group) == groupRecords || size > 0 && size+len(w.encoded) > groupBytes {
			break
		}
		n++
		cost := int64(len(w.encoded) + beside)
		switch {
		case w.canceled:
		case j.err != nil:
			w.result <- j.err
		case cost > room:
			j.metrics.refused.Inc()
			w.result <- j.overLimit(room)
		default:
			w.taken, w.record.Seq = true, j.place.last+uint64(len(group))+1
			seal(w.encoded, w.record.Seq)
			group = append(group, w)
			size += len(w.encoded)
			room -= cost
		}
	}
	rest := j.pending[n:]
	clear(j.pending[:n])
	if j.pending = rest; len(rest) == 0 {
		j.pending = nil // the memory of a storm is given back
	}
	return group
}

// store writes a group and answers its appends. It goes on until Redis has
// taken it or refused it, or the journal is closing: a group whose fate is not
// known must not be followed by another one with its numbers.
func (j *Journal) store(group []*waiter) {
	began := time.Now()
	records := make([]journal.Record, len(group))
	encoded := make([]any, len(group))
	for i, w := range group {
		records[i], encoded[i] = w.record, w.encoded
	}
	a, err := j.insist(encoded, records[0].Seq)
	switch {
	case err == nil:
		j.metrics.syncSeconds.Observe(time.Since(began).Seconds())
		j.metrics.groupRecords.Observe(float64(len(group)))
		j.publish(records, a)
	case errors.Is(err, journal.ErrFull):
		j.metrics.refused.Add(float64(len(group)))
	}
	for _, w := range group {
		w.result <- err
	}
}

// insist writes records with the numbers from seq on until Redis has confirmed
// them; the records may already be there from an earlier attempt. Returns what
// an append returns otherwise.
func (j *Journal) insist(encoded []any, seq uint64) (answer, error) {
	j.maybe = false
	for attempt := 0; ; attempt++ {
		a, err := j.try(j.patient, encoded, seq)
		if err == nil && a.status != statusOK && a.status != statusFull {
			err = refused(a)
		}
		switch {
		case err == nil && a.status == statusFull:
			j.mu.Lock()
			defer j.mu.Unlock()
			j.countLocked(a)
			return a, j.overLimit(j.roomLocked())
		case err == nil:
			j.held = seq + uint64(len(encoded)) - 1
			j.note(appending, nil)
			j.fullOfMemory(nil)
			return a, nil
		case outOfMemory(err) && !j.maybe:
			j.fullOfMemory(j.noMemory(err))
			return a, j.noMemory(err)
		case !outOfMemory(err) && !away(err):
			j.fail(err)
			return a, j.Err()
		}
		j.sound = false
		j.note(appending, err)
		if pause(j.patient, attempt); ended(j.patient) {
			return a, j.unavailable(err)
		}
	}
}

// try makes one attempt, after a look at the server if the last one failed.
func (j *Journal) try(ctx context.Context, encoded []any, seq uint64) (answer, error) {
	if j.takeStale(); !j.sound {
		if err := j.prepare(ctx, seq+uint64(len(encoded))-1); err != nil {
			return answer{}, err
		}
	}
	a, err := j.append(ctx, encoded, seq, j.o.MaxBytes)
	j.maybe = err != nil && !outOfMemory(err)
	return a, err
}

// takeStale makes the writer look at the server if its settings have changed.
func (j *Journal) takeStale() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stale {
		j.sound, j.stale = false, false
	}
}

// append sends records with the numbers from seq on; most limits the bytes of
// the journal, 0 does not.
func (j *Journal) append(ctx context.Context, encoded []any, seq uint64, most int64) (answer, error) {
	j.mu.Lock()
	confirm := j.confirm
	j.mu.Unlock()
	args := append([]any{j.me, j.held, seq, most, beside}, encoded...)
	return j.client.run(ctx, appendScript, confirm, args...)
}

// fullOfMemory remembers that Redis has no memory left, or with nil that it has.
func (j *Journal) fullOfMemory(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.full = err
}

// publish shows a durable group to the readers.
func (j *Journal) publish(records []journal.Record, a answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.place.last = records[len(records)-1].Seq
	j.countLocked(a)
	j.tail.Add(records)
	j.newsLocked()
}

// lookAgain finds out, while nobody appends, what Redis still has.
func (j *Journal) lookAgain() {
	j.mu.Lock()
	last := j.place.last
	j.mu.Unlock()
	if err := j.prepare(j.patient, last); err != nil && !away(err) && !outOfMemory(err) {
		j.fail(err)
	} else {
		j.note(appending, err)
	}
}
