package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
)

// Shards are journals that share the work: each is one with an order, a reader
// and a cursor of its own, and a company's records are all in one of them, so
// the order within a company holds.
type Shards []Journal

// ShardOf returns which of n shards a company's records are in. It is the same
// on every machine and in every version; n must not change while there are
// records.
func ShardOf(company string, n int) int {
	h := fnv.New64a()
	h.Write([]byte(company)) //nolint:errcheck // never fails
	return int(h.Sum64() % uint64(n))
}

// Append writes a record to the shard of its company and returns its number
// there. One of no company, such as that a server has started, is about all:
// each shard gets it, and the number is 0. The errors are those of
// [Journal.Append].
func (s Shards) Append(ctx context.Context, r Record) (uint64, error) {
	if len(s) == 0 {
		return 0, fmt.Errorf("%w: there are no shards", ErrClosed)
	}
	if r.Company != "" {
		return s[ShardOf(r.Company, len(s))].Append(ctx, r)
	}
	var errs []error
	for _, j := range s {
		_, err := j.Append(ctx, r)
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}
