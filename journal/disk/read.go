package disk

import (
	"context"
	"errors"
	"fmt"

	"fieldcast/journal"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// Read implements [journal.Journal]. A max below 1 counts as 1. After a failed
// write, what is durable can still be read; waiting for more then returns
// [journal.ErrFailed].
func (j *Journal) Read(ctx context.Context, seq uint64, max int) ([]journal.Record, error) {
	if max < 1 {
		max = 1
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		j.mu.Lock()
		switch {
		case j.files == nil || j.closing:
			j.mu.Unlock()
			return nil, journal.ErrClosed
		case seq < j.first:
			first := j.first
			j.mu.Unlock()
			return nil, fmt.Errorf("%w: record %d was asked for, the first one is %d", journal.ErrTruncated, seq, first)
		case seq <= j.last:
			rs := j.recent.From(seq, max)
			if len(rs) > 0 {
				j.mu.Unlock()
				return rs, nil
			}
			through := j.last
			j.readers.Add(1) // under the lock, so that Close waits for it
			j.mu.Unlock()
			rs, err := j.readFiles(ctx, seq, through, max)
			j.readers.Done()
			if rs != nil || err != nil {
				return rs, err
			}
			continue // cut off meanwhile
		case j.err != nil:
			err := j.err
			j.mu.Unlock()
			return nil, err
		}
		changed := j.changed
		j.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// readFiles reads at most limit records from seq through the last one from
// disk. It returns nothing at all if they were cut off meanwhile.
func (j *Journal) readFiles(ctx context.Context, seq, last uint64, limit int) ([]journal.Record, error) {
	var rs []journal.Record
	size := 0
	for i := seq; i <= last && len(rs) < limit && size < readBytes; i++ {
		if ctx.Err() != nil && len(rs) > 0 {
			break
		}
		r, n, err := j.readOne(i)
		if err != nil {
			if len(rs) > 0 {
				return rs, nil // the error comes with the next call
			}
			if j.isCut(i) {
				return nil, nil
			}
			return nil, fmt.Errorf("%w: record %d in %s of %s: %w", journal.ErrCorrupt, i, j.meta.fileOf(i), j.dir, err)
		}
		rs = append(rs, r)
		size += n
	}
	return rs, nil
}

func (j *Journal) isCut(seq uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return seq < j.first
}

// readOne reads and checks one record.
func (j *Journal) readOne(seq uint64) (r journal.Record, size int, err error) {
	defer recoverDamage(&err)
	var log raft.Log
	if err := j.wal.GetLog(seq, &log); errors.Is(err, wal.ErrNotFound) {
		return r, 0, errors.New("it is missing")
	} else if err != nil {
		return r, 0, err
	}
	r, _, err = j.salt.decode(log.Data)
	if err == nil && r.Seq != seq {
		err = fmt.Errorf("%w: record %d is in its place", errRecord, r.Seq)
	}
	return r, len(log.Data), err
}
