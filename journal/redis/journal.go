package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/internal/tail"
)

// Journal is a [journal.Journal] in a Redis stream: one shard. Open makes it;
// the zero value is a closed one. Safe for concurrent use.
type Journal struct {
	o       Options
	log     *slog.Logger
	client  *client
	me      string // the owner's name in Redis: random, of this opening
	who     string // the same for people
	metrics *metrics

	ctx     context.Context // of reads and beats; ends with Close
	stop    context.CancelFunc
	patient context.Context // of writes; ends a moment after the beginning of Close
	hurry   context.CancelFunc
	writing sync.WaitGroup // the writer
	beating sync.WaitGroup // the keeper
	readers sync.WaitGroup // reads under way
	failed  chan struct{}  // closed when err is set
	closed  chan struct{}  // closed when Close has finished

	mu      sync.Mutex
	work    sync.Cond // tells the writer that there is something to do
	pending []*waiter // in order of arrival
	tail    tail.Tail
	place   place         // of the durable records
	cut     uint64        // the first record in Redis, as last cut off there
	holdCut bool          // Redis is away: cut off later
	recover bool          // Redis has forgotten something: the writer looks
	changed chan struct{} // closed and renewed when there is news for readers
	shut    bool
	err     error            // why it has failed
	trouble map[string]error // what is wrong for now, by who has found it
	full    error            // Redis has no memory left
	stale   bool             // the server's settings have changed: the writer looks before it writes
	confirm confirmation     // what Redis must be asked behind each write

	changing sync.Mutex // one change of the log at a time; locked before mu
	held     uint64     // the last record that Redis has
	sound    bool       // held and confirm are those of the server that takes the writes
	maybe    bool       // Redis may have the group that is being written
}

var _ journal.Journal = (*Journal)(nil)

// place is where a shard stands.
type place struct {
	first, last uint64 // records first through last; none if first > last
	total, cut  int64  // bytes ever written, and of these cut off
}

func (p place) bytes() int64 { return p.total - p.cut }

// readPlace reads first, last, total, cut.
func readPlace(a answer) (p place, err error) {
	var errs [4]error
	p.first, errs[0] = strconv.ParseUint(a.at(0), 10, 64)
	p.last, errs[1] = strconv.ParseUint(a.at(1), 10, 64)
	p.total, errs[2] = strconv.ParseInt(a.at(2), 10, 64)
	p.cut, errs[3] = strconv.ParseInt(a.at(3), 10, 64)
	if err := errors.Join(errs[:]...); err != nil {
		return p, fmt.Errorf("%w: %w", errAnswer, err)
	}
	return p, nil
}

// Stats implements [journal.Journal]. Bytes is an estimate of what the records
// take in Redis.
func (j *Journal) Stats() journal.Stats {
	if j.client == nil {
		return journal.Stats{First: 1}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return journal.Stats{First: j.place.first, Last: j.place.last, Bytes: j.place.bytes(), MaxBytes: j.o.MaxBytes}
}

// Failed implements [journal.Journal].
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err implements [journal.Journal].
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// fail notes the first failure that no waiting mends. Nothing is written after it.
func (j *Journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	j.err = fmt.Errorf("%w: redis at %s: %w", journal.ErrFailed, j.client.where, err)
	close(j.failed)
	j.log.Error("the journal has failed and takes nothing more", "error", err)
	j.newsLocked()
	j.work.Broadcast()
}

// newsLocked wakes all readers that wait.
func (j *Journal) newsLocked() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// note remembers what is wrong for now, or with nil that it is over, and logs
// when it begins and ends.
func (j *Journal) note(what string, err error) {
	j.mu.Lock()
	before := j.trouble[what]
	if err == nil {
		delete(j.trouble, what)
	} else {
		j.trouble[what] = err
	}
	j.mu.Unlock()
	switch {
	case err != nil && before == nil:
		j.log.Warn("redis is away; the journal waits for it", "what", what, "error", err)
	case err == nil && before != nil:
		j.log.Info("redis is back", "what", what)
	}
}

// largestRecord is what there must be room for if a journal is to be called
// well: the largest message that a broker takes.
const largestRecord = 1 << 20

// Status returns nil while the journal takes records, else why it does not: it
// has failed or is closed, Redis is away ([journal.ErrUnavailable]), or a record
// of a megabyte would not fit ([journal.ErrFull]). It is for readiness.
func (j *Journal) Status() error {
	if j.client == nil {
		return journal.ErrClosed
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(); err != nil {
		return err
	}
	if j.full != nil {
		return j.full
	}
	if room := j.roomLocked(); room < largestRecord {
		return j.overLimit(room)
	}
	whats := make([]string, 0, len(j.trouble))
	for what := range j.trouble {
		whats = append(whats, what)
	}
	if len(whats) == 0 {
		return nil
	}
	slices.Sort(whats)
	return j.unavailable(j.trouble[whats[0]])
}

// unavailable is what an append is told that Redis has not confirmed.
func (j *Journal) unavailable(why error) error {
	return fmt.Errorf("%w: redis at %s: %w", journal.ErrUnavailable, j.client.where, why)
}

// overLimit is what an append is told that does not fit.
func (j *Journal) overLimit(room int64) error {
	return fmt.Errorf("%w: of the %d bytes that it may take in redis, %d are left", journal.ErrFull, j.o.MaxBytes, max(0, room))
}

// noMemory is what an append is told that Redis has refused for its maxmemory.
func (j *Journal) noMemory(err error) error {
	return fmt.Errorf("%w: redis at %s has no memory left: %w", journal.ErrFull, j.client.where, err)
}

// Truncate implements [journal.Journal]. Redis frees the memory soon after.
func (j *Journal) Truncate(seq uint64) error {
	if j.client == nil {
		return journal.ErrClosed
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(); err != nil {
		return err
	}
	if first := min(seq, j.place.last) + 1; first > j.place.first {
		j.place.first = first
		j.tail.Cut(first)
		j.work.Broadcast()
	}
	return nil
}

// Skip implements [journal.Journal]. A journal whose records were all cut off
// counts as one with records. Where durability is less than fsync, Redis may
// have forgotten records that the database has: then a journal with records
// goes on behind them, too.
func (j *Journal) Skip(seq uint64) error {
	if j.client == nil {
		return journal.ErrClosed
	}
	j.changing.Lock()
	defer j.changing.Unlock()
	j.mu.Lock()
	at, err := j.place, j.usableLocked()
	j.mu.Unlock()
	switch {
	case err != nil:
		return err
	case at.last >= seq:
		return nil
	case at.total > 0 && j.o.Durability == Fsync:
		return fmt.Errorf("%w: the keys %s end with record %d, but the database has seen %d: they do not belong together, or redis has lost its newest records; "+
			"if they do, the database has all that redis still has: delete these keys to begin anew", journal.ErrCorrupt, strings.Join(j.client.keys, " and "), at.last, seq)
	case at.total > 0:
		j.log.Error("redis has lost records that the database has seen; going on behind them", "last", at.last, "database", seq)
	}
	a, err := j.client.run(j.ctx, skipScript, confirmation{replicas: j.o.Replicas}, j.me, j.held, seq, seq+1)
	switch {
	case err != nil:
		return fmt.Errorf("skip to record %d: %w", seq, j.unavailable(err))
	case a.status != statusOK:
		return fmt.Errorf("skip to record %d: %w", seq, refused(a))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held = seq
	j.place.first, j.place.last = seq+1, seq
	j.tail.Cut(seq + 1)
	j.newsLocked()
	j.work.Broadcast()
	return nil
}

func (j *Journal) usableLocked() error {
	if j.shut {
		return journal.ErrClosed
	}
	return j.err
}

// Close implements [journal.Journal]. Later calls wait for the first one. What
// is under way when Redis is away gets 3 s, and is answered then.
func (j *Journal) Close() error {
	if j.client == nil {
		return nil
	}
	j.mu.Lock()
	if j.shut {
		j.mu.Unlock()
		<-j.closed
		return nil
	}
	j.shut = true
	j.newsLocked()
	j.work.Broadcast()
	j.mu.Unlock()

	grace := time.AfterFunc(closeGrace, j.hurry)
	j.writing.Wait()
	grace.Stop()
	j.hurry()
	j.stop()
	j.beating.Wait()
	j.readers.Wait()
	j.release()
	close(j.closed)
	return nil
}

// release gives everything back, as far as it is there.
func (j *Journal) release() {
	if j.metrics != nil {
		j.metrics.unregister()
	}
	if j.Err() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		defer cancel()
		if _, err := j.client.run(ctx, releaseScript, confirmation{}, j.me); err != nil {
			j.log.Warn("the journal in redis could not be given back; the next start takes it over after some seconds", "error", err)
		}
	}
	if err := j.client.close(); err != nil {
		j.log.Debug("closing redis", "error", err)
	}
}
