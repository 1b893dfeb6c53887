package bridge

import (
	"context"
	"math/rand/v2"
	"time"
)

// The waits between two attempts. The first is short, because a busy database
// is back at once; the longest is what a manager waits for after a long outage.
const (
	firstWait   = 50 * time.Millisecond
	longestWait = 5 * time.Second
)

// backoff waits longer each time, with jitter, so that many servers do not
// come back to a database at the same moment. The zero value is ready.
type backoff struct{ next time.Duration }

// wait returns after the next wait, or with the error of ctx.
func (b *backoff) wait(ctx context.Context) error {
	b.next = min(max(2*b.next, firstWait), longestWait)
	timer := time.NewTimer(b.next/2 + rand.N(b.next/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (b *backoff) reset() { b.next = 0 }
