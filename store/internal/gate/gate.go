// Package gate lets calls into a store until it is closed, and ends those that
// are under way then.
package gate

import (
	"context"
	"fmt"
	"sync"

	"fieldcast/track"
)

// Gate counts the calls that are inside. Make one with [New]. All methods are
// safe for concurrent use.
type Gate struct {
	name string // of what is behind it, for messages
	done context.Context
	shut context.CancelFunc

	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// New returns an open gate. The name says in errors what was closed.
func New(name string) *Gate {
	done, shut := context.WithCancel(context.Background())
	return &Gate{name: name, done: done, shut: shut}
}

// Enter returns the context that the call must use, which ends with ctx or
// when the gate is closed, and leave, which the caller must call once. It
// returns the error of ctx if that has ended, and [track.ErrUnavailable] if
// the gate is closed.
func (g *Gate) Enter(ctx context.Context) (inner context.Context, leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, nil, g.Err()
	}
	g.inside.Add(1)
	inner, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(g.done, cancel)
	return inner, func() {
		stop()
		cancel()
		g.inside.Done()
	}, nil
}

// Closed reports whether the gate was closed.
func (g *Gate) Closed() bool { return g.done.Err() != nil }

// Err is what a call on a closed store returns.
func (g *Gate) Err() error { return fmt.Errorf("%s is closed: %w", g.name, track.ErrUnavailable) }

// Close closes the gate, cancels the calls inside and waits until they have
// left. It reports whether this was the call that closed it.
func (g *Gate) Close() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.shut()
	g.inside.Wait()
	return first
}
