package disk

import (
	"fmt"
	"math"
	"time"

	"fieldcast/journal"

	"github.com/hashicorp/raft"
)

// write is the goroutine that changes files, alone. It ends when the journal is
// closing and nobody waits any more.
func (j *Journal) write() {
	defer close(j.writerDone)
	var begun time.Time // of the last group
	for {
		through, cut, more := j.awaitWork()
		if !more {
			return
		}
		if cut {
			j.cutFiles(through)
		}
		// A journal that has been quiet writes at once. Under load a little more
		// gathers for each fsync: beyond a thousand a second, acknowledgements
		// come no sooner that anybody could tell, but each costs the processor as
		// much as ten publishes.
		time.Sleep(groupEvery - time.Since(begun))
		begun = time.Now()
		if group := j.takeGroup(); len(group) > 0 {
			j.store(group)
		}
	}
}

// awaitWork waits until there is something to append or to cut off.
func (j *Journal) awaitWork() (through uint64, cut, more bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		if j.err == nil {
			through, cut = j.meta.freeable(j.first, j.last)
		} else {
			cut = false
		}
		if cut || len(j.pending) > 0 {
			return through, cut, true
		}
		if j.closing {
			return 0, false, false
		}
		j.work.Wait()
	}
}

// cutFiles deletes the files through a record.
func (j *Journal) cutFiles(through uint64) {
	first, err := j.wal.FirstIndex()
	if err == nil {
		err = j.wal.DeleteRange(first, through)
	}
	if err != nil {
		j.fail(err)
	}
}

// takeGroup takes waiting appends that fit one fsync, gives them numbers, and
// answers those that are not going to be written.
func (j *Journal) takeGroup() []*waiter {
	room := j.room()
	free := min(room.limit, room.disk)
	j.mu.Lock()
	defer j.mu.Unlock()
	group := j.group[:0]
	size, n := 0, 0
	for _, w := range j.pending {
		if len(group) == groupRecords || size > 0 && size+len(w.encoded) > j.o.groupBytes() {
			break
		}
		n++
		cost := int64(len(w.encoded) + diskOverhead)
		switch {
		case w.canceled:
		case j.err != nil:
			w.result <- j.err
		case cost > free:
			j.metrics.refused.Inc()
			w.result <- j.full(room)
		default:
			j.assigned++
			w.taken, w.record.Seq = true, j.assigned
			j.salt.seal(w.encoded, j.assigned, uint32(len(group))) //nolint:gosec // at most groupRecords
			group = append(group, w)
			size += len(w.encoded)
			free -= cost
		}
	}
	rest := append(j.spare[:0], j.pending[n:]...)
	clear(j.pending)
	j.pending, j.spare = rest, j.pending[:0]
	j.holds = j.holds || len(group) > 0
	j.group = group
	return group
}

// room is how much may be written now.
type room struct {
	limit int64 // bytes until the journal's limit
	disk  int64 // bytes until the disk is about to be full
}

// room looks. The newest file is allocated ahead by up to a segment, which
// counts, so that the disk never holds more than MaxBytes. A disk that is about
// to be full is treated like the limit: running into its end in the middle of a
// write would be a failure for good.
//
// A file that was begun under a larger limit counts as one of today's size
// until it has been cut off. Otherwise it could by itself be more than a limit
// that was lowered: it would never be filled, hence never be cut off.
func (j *Journal) room() room {
	r := room{limit: math.MaxInt64, disk: math.MaxInt64}
	if j.o.MaxBytes > 0 {
		segment := int64(j.o.SegmentBytes)
		r.limit = j.o.MaxBytes - segment - j.files.bytes() + j.files.beyond(j.begun, segment)
	}
	if free, err := j.o.Free(j.dir); err == nil {
		r.disk = free - int64(j.o.SegmentBytes) - spareBytes
	}
	return r
}

// largestRecord is what there must be room for if a journal is to be called
// well: the largest message that a broker takes.
const largestRecord = 1 << 20

// Status returns nil while the journal takes records, else why it does not: it
// has failed or is closed, or a record of a megabyte would not fit
// ([journal.ErrFull]). It asks the file system, and is for readiness.
func (j *Journal) Status() error {
	if j.files == nil {
		return journal.ErrClosed
	}
	if err := j.Err(); err != nil {
		return err
	}
	if r := j.room(); min(r.limit, r.disk) < largestRecord {
		return j.full(r)
	}
	return nil
}

// full is what an append is told that does not fit.
func (j *Journal) full(r room) error {
	if r.disk < r.limit {
		return fmt.Errorf("%w: the disk of %s has only %d bytes left", journal.ErrFull, j.dir, max(0, r.disk+int64(j.o.SegmentBytes)+spareBytes))
	}
	return fmt.Errorf("%w: of the %d bytes that it may take, %d are left and kept for the next file", journal.ErrFull, j.o.MaxBytes, r.limit+int64(j.o.SegmentBytes))
}

// diskOverhead is the most that raft-wal adds to a record: its frame, its
// fields and padding, its place in the index.
const diskOverhead = 8 + 40 + 7 + 4

// store writes a group with one fsync and answers its appends.
func (j *Journal) store(group []*waiter) {
	began := time.Now()
	logs := j.logs[:0]
	for _, w := range group {
		logs = append(logs, &raft.Log{Index: w.record.Seq, Data: w.encoded})
	}
	err := j.wal.StoreLogs(logs)
	clear(logs)
	j.logs = logs
	if err != nil {
		// What is on disk now is not known; no retry can make it known.
		j.fail(err)
		err = j.Err()
	} else {
		j.metrics.syncSeconds.Observe(time.Since(began).Seconds())
		j.metrics.groupRecords.Observe(float64(len(group)))
		j.publish(group)
	}
	for _, w := range group {
		w.result <- err
	}
	clear(group)
}

// publish shows a durable group to the readers.
func (j *Journal) publish(group []*waiter) {
	records := make([]journal.Record, len(group))
	for i, w := range group {
		records[i] = w.record
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = records[len(records)-1].Seq
	j.recent.Add(records)
	j.newsLocked()
}
