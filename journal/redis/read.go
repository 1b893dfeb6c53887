package redis

import (
	"context"
	"fmt"

	"fieldcast/journal"

	"github.com/redis/go-redis/v9"
)

// Read implements [journal.Journal]. A max below 1 counts as 1. Where Redis has
// lost records, it goes on behind them. Returns [journal.ErrUnavailable] when
// older records are asked for and Redis is away.
func (j *Journal) Read(ctx context.Context, seq uint64, max int) ([]journal.Record, error) {
	if j.client == nil {
		return nil, journal.ErrClosed
	}
	if max < 1 {
		max = 1
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		j.mu.Lock()
		switch {
		case j.shut:
			j.mu.Unlock()
			return nil, journal.ErrClosed
		case seq < j.place.first:
			first := j.place.first
			j.mu.Unlock()
			return nil, fmt.Errorf("%w: record %d was asked for, the first one is %d", journal.ErrTruncated, seq, first)
		case seq <= j.place.last:
			rs := j.tail.From(seq, max)
			if len(rs) > 0 {
				j.mu.Unlock()
				return rs, nil
			}
			through := j.place.last
			j.readers.Add(1) // under the lock, so that Close waits for it
			j.mu.Unlock()
			rs, err := j.readLog(ctx, seq, through, max)
			j.readers.Done()
			if rs != nil || err != nil {
				return rs, err
			}
			if !j.isCut(seq) { // all of them are lost: wait for what comes behind
				seq = through + 1
			}
			continue
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

// readLog reads at most limit records from seq through the last one from Redis,
// up to the first hole. It returns nothing at all if there are none.
func (j *Journal) readLog(ctx context.Context, seq, last uint64, limit int) ([]journal.Record, error) {
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(j.ctx, cancel)()
	list, err := j.client.entries(both, seq, last, min(limit, j.readAtOnce()))
	switch {
	case err == nil:
	case ended(ctx):
		return nil, ctx.Err()
	case ended(j.ctx):
		return nil, journal.ErrClosed
	default:
		return nil, j.unavailable(err)
	}
	rs, err := j.decodeAll(list)
	if err != nil {
		return nil, err
	}
	if len(rs) > 0 && rs[0].Seq != seq && !j.isCut(seq) || len(rs) == 0 && !j.isCut(seq) {
		next := last + 1
		if len(rs) > 0 {
			next = rs[0].Seq
		}
		j.log.Warn("redis has lost records of the journal; going on behind them", "from", seq, "next", next)
	}
	return rs, nil
}

// readAtOnce is how many records of the size that they have here one Read takes.
func (j *Journal) readAtOnce() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := int64(j.place.last + 1 - j.place.first) //nolint:gosec // far smaller
	average := max(1, j.place.bytes()/max(1, records))
	return int(min(readRecords, max(1, readBytes/average)))
}

// decodeAll reads entries up to the first hole or damage; damage of the first
// is an error.
func (j *Journal) decodeAll(list []redis.XMessage) ([]journal.Record, error) {
	var rs []journal.Record
	for _, m := range list {
		r, err := decodeEntry(m)
		switch {
		case err != nil && len(rs) == 0:
			return nil, fmt.Errorf("%w: %s: %w", journal.ErrCorrupt, j.client.keys[0], err)
		case err != nil, len(rs) > 0 && r.Seq != rs[len(rs)-1].Seq+1:
			return rs, nil // with the next call
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func (j *Journal) isCut(seq uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return seq < j.place.first
}
