package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fieldcast/feed"
	"fieldcast/track"
)

const (
	// Commits begin at least commitEvery apart, unless a batch is full, and a
	// batch waits at least linger for more: alone, a fix is written at once; in
	// a crowd, many share a transaction. Nobody waits for either.
	commitEvery = 50 * time.Millisecond
	linger      = 5 * time.Millisecond
	// commitTimeout is when a database that does not answer counts as away.
	commitTimeout = 30 * time.Second
	// The journal is cut behind the cursor this often, since each cut is
	// written to disk.
	cutEvery   = 5 * time.Second
	cutRecords = 10_000
)

// committer follows the journal as fast as the database takes it.
type committer struct {
	bridge *Bridge
	judge  judge // its state is that of the record taken
	cursor uint64
	taken  uint64     // the last outcome that came into queue
	queue  []*outcome // for the next batches
	begun  time.Time  // when the latest commit began
	cut    uint64     // through where the journal has been cut off
	cutAt  time.Time
	pause  backoff // between reads of the journal
}

// run commits until ctx ends, or until the live follower has ended and all it
// has dealt with is written.
func (c *committer) run(ctx context.Context) error {
	// After a restart the journal begins where its oldest file does. A server
	// that never runs for long would fill it with what is committed.
	c.cutAt = time.Now()
	c.truncate(true)
	for {
		b, err := c.gather(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			c.truncate(true)
			return nil
		}
		if err := c.write(ctx, b); err != nil {
			return err
		}
		c.truncate(false)
	}
}

// gather returns the next batch, or nil if none will come.
func (c *committer) gather(ctx context.Context) (*batch, error) {
	b := newBatch(c.cursor)
	var timer *time.Timer
	var due, cut <-chan time.Time
	if c.cursor > c.cut {
		// Nothing may come for long, least of all into a journal that is full.
		cutting := time.NewTimer(cutEvery - time.Since(c.cutAt))
		defer cutting.Stop()
		cut = cutting.C
	}
	for {
		ended, err := c.fill(ctx)
		if err != nil {
			return nil, err
		}
		for len(c.queue) > 0 {
			if !b.add(c.queue[0]) {
				return b, nil
			}
			c.queue[0] = nil
			c.queue = c.queue[1:]
		}
		switch {
		case ended && b.records == 0:
			return nil, nil
		case ended:
			return b, nil
		case b.records > 0 && timer == nil:
			timer = time.NewTimer(max(linger, commitEvery-time.Since(c.begun)))
			defer timer.Stop()
			due = timer.C
		}
		if c.bridge.recent.head() > c.taken {
			continue
		}
		select {
		case <-c.bridge.recent.more:
		case <-due:
			return b, nil
		case <-cut:
			c.truncate(false)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fill takes what there is behind taken into the queue: from memory, or from
// the journal if the database was away for so long that memory did not suffice.
func (c *committer) fill(ctx context.Context) (ended bool, err error) {
	for {
		os, covered, ended := c.bridge.recent.after(c.taken, readAtOnce)
		if covered {
			for _, o := range os {
				c.judge.adopt(o)
				c.take(o)
			}
			return ended, nil
		}
		records, err := c.bridge.read(ctx, c.taken, readAtOnce)
		if err != nil {
			if err := c.bridge.readFailed(ctx, "commit", err, &c.pause); err != nil {
				return false, err
			}
			continue
		}
		c.bridge.readWorks("commit", &c.pause)
		for _, r := range records {
			c.take(c.judge.apply(c.taken, r))
		}
		return false, nil
	}
}

func (c *committer) take(o *outcome) {
	c.queue = append(c.queue, o)
	c.taken = o.record.Seq
}

// write commits the batch, however long it takes. It never gives up on data: it
// returns only when the batch is written, when ctx has ended, or when another
// bridge writes to the database.
func (c *committer) write(ctx context.Context, b *batch) error {
	var pause backoff
	for attempt := 1; ; attempt++ {
		c.begun = time.Now()
		receipt, err := c.try(ctx, b)
		if errors.Is(err, track.ErrConflict) {
			err = c.settle(ctx, b, attempt, err)
		}
		if err == nil {
			c.written(b, receipt, attempt)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, track.ErrConflict) {
			return err
		}
		c.failed(err, attempt)
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

// try is one attempt.
func (c *committer) try(ctx context.Context, b *batch) (track.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return c.bridge.store.Commit(ctx, b.Batch)
}

// settle looks at what a conflict means. After an attempt whose answer was lost
// it may be that the batch was written: then all is well, and nil is returned.
func (c *committer) settle(ctx context.Context, b *batch, attempt int, conflict error) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	cursor, err := c.bridge.store.Cursor(ctx)
	if err != nil {
		return fmt.Errorf("read cursor after a conflict: %w", err)
	}
	if attempt > 1 && cursor == b.Through {
		return nil
	}
	return fmt.Errorf("another bridge writes to this database: its cursor is %d where %d is expected; "+
		"stop one of the two: %w", cursor, b.After, conflict)
}

func (c *committer) failed(err error, attempt int) {
	reason, say := "error", c.bridge.log.Error
	if errors.Is(err, track.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		reason, say = "unavailable", c.bridge.log.Warn
	}
	c.bridge.metrics.failures.WithLabelValues(reason).Inc()
	c.bridge.trouble("database", fmt.Errorf("database does not take commits: %w", err))
	say("commit failed; trying again, the journal keeps everything", "attempt", attempt, "cursor", c.cursor, "error", err)
}

// written notes that the batch is in the database.
func (c *committer) written(b *batch, receipt track.Receipt, attempts int) {
	br := c.bridge
	br.metrics.receipt(receipt, time.Since(c.begun))
	if attempts > 1 {
		br.trouble("database", nil)
		br.log.Info("database takes commits again", "attempts", attempts, "lag", int(br.lag()))
	}
	c.cursor = b.Through
	br.committed.Store(b.Through)
	br.recent.release(b.Through)
	for i := range receipt.Refused {
		r := &receipt.Refused[i]
		br.feed.Publish(feed.Event{Company: r.Company, Employee: r.Employee, Seq: r.Seq, At: br.now(), Rejection: r})
	}
}

// truncate cuts the journal off behind the cursor, if it is time or finally.
func (c *committer) truncate(finally bool) {
	behind := c.cursor - min(c.cut, c.cursor)
	if behind == 0 || (!finally && behind < cutRecords && time.Since(c.cutAt) < cutEvery) {
		return
	}
	c.cutAt = time.Now()
	if err := c.bridge.journal.Truncate(c.cursor); err != nil {
		c.bridge.trouble("journal cut", fmt.Errorf("journal cannot be cut off behind what is committed: %w", err))
		c.bridge.log.Error("journal cannot be cut off; it grows", "through", c.cursor, "error", err)
		return
	}
	c.bridge.trouble("journal cut", nil)
	c.cut = c.cursor
}
