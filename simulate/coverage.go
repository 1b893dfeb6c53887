package simulate

import (
	"context"
	"sync"
)

// coverage is whether a phone has a network. It starts without.
type coverage struct {
	mu     sync.Mutex
	ctx    context.Context // of the present spell with coverage; nil without
	cancel context.CancelFunc
	begun  chan struct{} // closed when a spell with coverage begins
}

func newCoverage() *coverage { return &coverage{begun: make(chan struct{})} }

// set begins or ends a spell with coverage. It reports whether that changed
// anything.
func (c *coverage) set(ctx context.Context, on bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case on && c.ctx == nil:
		c.ctx, c.cancel = context.WithCancel(ctx)
		close(c.begun)
		return true
	case !on && c.ctx != nil:
		c.cancel()
		c.ctx, c.begun = nil, make(chan struct{})
		return true
	}
	return false
}

// wait waits for coverage. The context that it returns ends with the coverage.
// It returns the error of ctx if that ends before.
func (c *coverage) wait(ctx context.Context) (context.Context, error) {
	for {
		c.mu.Lock()
		spell, begun := c.ctx, c.begun
		c.mu.Unlock()
		if spell != nil {
			return spell, ctx.Err()
		}
		select {
		case <-begun:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
