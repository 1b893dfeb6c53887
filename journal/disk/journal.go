package disk

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"fieldcast/journal"
	"fieldcast/journal/internal/tail"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// Journal is a [journal.Journal] in a folder. Open makes it; the zero value is
// a closed one. Safe for concurrent use.
type Journal struct {
	dir     string
	o       Options
	log     *slog.Logger
	lock    *os.File
	salt    salt
	files   *files
	begun   string // the newest file at opening, which records go on in
	meta    *meta
	wal     *wal.WAL
	metrics *metrics

	writerDone chan struct{}  // closed when the writer has ended
	readers    sync.WaitGroup // reads of files under way
	failed     chan struct{}  // closed when err is set
	closed     chan struct{}  // closed when Close has finished
	closeErr   error          // set before closed is closed

	mu       sync.Mutex
	work     sync.Cond // tells the writer that there is something to do
	pending  []*waiter // in order of arrival
	recent   tail.Tail
	first    uint64        // the first record that has not been cut off
	last     uint64        // the newest durable record
	assigned uint64        // the newest record that has a number; >= last
	holds    bool          // records were written, now or before
	changed  chan struct{} // closed and renewed when there is news for readers
	closing  bool
	err      error // why it has failed
	// spare takes the next waiting appends while the writer works on pending.
	spare []*waiter

	// Only used by the writer.
	group []*waiter
	logs  []*raft.Log
}

var _ journal.Journal = (*Journal)(nil)

// Open opens the journal in a folder, or makes a new one. It cuts off what a
// crash left half written. The errors: the folder is in use by another process,
// its content is damaged ([journal.ErrCorrupt]), or the disk refuses.
func Open(dir string, o Options) (*Journal, error) {
	j, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

// Stats implements [journal.Journal]. Bytes is what the records take; the file
// of the newest is allocated ahead by up to Options.SegmentBytes.
func (j *Journal) Stats() journal.Stats {
	if j.files == nil {
		return journal.Stats{First: 1}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return journal.Stats{First: j.first, Last: j.last, Bytes: j.files.bytes(), MaxBytes: j.o.MaxBytes}
}

// Failed implements [journal.Journal].
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err implements [journal.Journal].
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// fail notes the first failure of a write. Nothing is written after it.
func (j *Journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	j.err = fmt.Errorf("%w: %w; restart the server after looking at the disk", journal.ErrFailed, err)
	close(j.failed)
	j.log.Error("the journal has failed and takes nothing more", "error", err)
	j.newsLocked()
	j.work.Signal()
}

// newsLocked wakes all readers that wait.
func (j *Journal) newsLocked() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// Truncate implements [journal.Journal]. Files are deleted when none of their
// records is left, soon, by the writer.
func (j *Journal) Truncate(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(); err != nil {
		return err
	}
	if first := min(seq, j.last) + 1; first > j.first {
		j.first = first
		j.recent.Cut(first)
		j.work.Signal()
	}
	return nil
}

// Skip implements [journal.Journal]. A journal whose records were all cut off
// counts as one with records.
func (j *Journal) Skip(seq uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(); err != nil {
		return err
	}
	switch {
	case j.assigned >= seq:
		return nil
	case j.holds:
		return fmt.Errorf("%w: %s ends with record %d, but the database has seen %d: they do not belong together; "+
			"if they do, the folder was restored from an old copy: move it away to begin a new one", journal.ErrCorrupt, j.dir, j.assigned, seq)
	}
	j.first, j.last, j.assigned = seq+1, seq, seq
	j.newsLocked()
	return nil
}

func (j *Journal) usableLocked() error {
	if j.files == nil || j.closing {
		return journal.ErrClosed
	}
	return j.err
}

// Close implements [journal.Journal]. Later calls wait for the first one and
// return what it returned.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.files == nil {
		j.mu.Unlock()
		return nil
	}
	if j.closing {
		j.mu.Unlock()
		<-j.closed
		return j.closeErr
	}
	j.closing = true
	j.newsLocked()
	j.work.Signal()
	j.mu.Unlock()

	<-j.writerDone
	j.readers.Wait()
	j.closeErr = j.release()
	close(j.closed)
	return j.closeErr
}

// release gives everything back, as far as it is there.
func (j *Journal) release() error {
	var errs []error
	if j.metrics != nil {
		j.metrics.unregister()
	}
	if j.wal != nil {
		errs = append(errs, j.wal.Close())
		j.mu.Lock()
		last, orderly := j.last, j.err == nil && j.holds
		j.mu.Unlock()
		if orderly {
			errs = append(errs, j.meta.setClosedAfter(last))
		}
	}
	errs = append(errs, j.meta.Close(), j.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close journal %s: %w", j.dir, err)
	}
	return nil
}
