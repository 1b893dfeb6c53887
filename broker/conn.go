package broker

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errSlowConsumer closes a connection whose reader does not keep up.
var errSlowConsumer = errors.New("slow consumer")

// drainChunk is how much is handed to the network at once: small enough that a
// reader that takes it within the stall timeout is alive.
const drainChunk = 16 << 10

// conn is a connection whose Write never blocks. What the network does not
// take at once waits, up to a bound, for a goroutine that exists only as long
// as something waits. mochi writes to a client while it holds the client's
// lock, on the goroutine of whoever publishes: with a Write that blocks, one
// stalled reader would stop them all.
//
// Deadlines that mochi sets count for reading; writing has its own.
type conn struct {
	net.Conn
	guard    *guard
	limits   *Limits
	onSlow   func()
	direct   directWriter // nil: not possible on this kind of connection
	draining atomic.Bool  // the server closes: no more is read
	farewell func()       // called on the reader's goroutine when draining begins

	session *session // set once, when the client has logged in
	denied  bool     // a login was refused

	mu      sync.Mutex
	pending []byte
	active  bool          // a drain goroutine runs
	closed  bool          //
	roomy   chan struct{} // closed when pending has become small; nil if nobody waits
	drains  sync.WaitGroup
}

func newConn(c net.Conn, limits *Limits, onSlow func()) *conn {
	return &conn{Conn: c, guard: &guard{limit: limits.ConnectBytes}, limits: limits, onSlow: onSlow, direct: newDirectWriter(c)}
}

// Read reads what the guard lets pass.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.draining.Load() {
		if c.farewell != nil {
			c.farewell()
		}
		return 0, net.ErrClosed
	}
	if guardErr := c.guard.inspect(b[:n]); guardErr != nil {
		return 0, guardErr
	}
	return n, err
}

// Write takes everything or fails at once. It never waits for the reader.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	sent := 0
	if len(c.pending) == 0 && !c.active && c.direct != nil {
		var err error
		if sent, err = c.direct.tryWrite(b); err != nil {
			return sent, err
		}
	}
	if sent == len(b) {
		return sent, nil
	}
	if len(c.pending)+len(b)-sent > c.limits.PendingBytes {
		c.closed = true
		c.onSlow()
		_ = c.Conn.Close() // that is the point of it
		return sent, errSlowConsumer
	}
	c.pending = append(c.pending, b[sent:]...)
	if !c.active {
		c.active = true
		c.drains.Add(1)
		go c.drain()
	}
	return len(b), nil
}

// drain writes what waits, until nothing does.
func (c *conn) drain() {
	defer c.drains.Done()
	for {
		chunk := c.next()
		if chunk == nil {
			return
		}
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.limits.StallTimeout)) // if it fails, so does Write
		if _, err := c.Conn.Write(chunk); err != nil {
			c.giveUp(err)
			return
		}
	}
}

// next takes the next chunk; nil when there is none.
func (c *conn) next() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) <= c.limits.PendingBytes/4 {
		c.wake()
	}
	if len(c.pending) == 0 || c.closed {
		c.pending, c.active = nil, false // the memory of a burst is given back
		return nil
	}
	n := min(len(c.pending), drainChunk)
	chunk := c.pending[:n:n]
	c.pending = c.pending[n:]
	return chunk
}

func (c *conn) giveUp(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && !c.closed {
		c.onSlow()
	}
	c.closed, c.active, c.pending = true, false, nil
	c.wake()
	_ = c.Conn.Close() // it has failed already
}

// wake lets those go on who wait in hasRoom. The caller holds mu.
func (c *conn) wake() {
	if c.roomy != nil {
		close(c.roomy)
		c.roomy = nil
	}
}

// hasRoom waits until little is pending, and reports false when the connection
// has been closed or done is.
func (c *conn) hasRoom(done <-chan struct{}) bool {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return false
		}
		if len(c.pending) <= c.limits.PendingBytes/4 {
			c.mu.Unlock()
			return true
		}
		if c.roomy == nil {
			c.roomy = make(chan struct{})
		}
		roomy := c.roomy
		c.mu.Unlock()
		select {
		case <-roomy:
		case <-done:
			return false
		}
	}
}

// Close closes the connection. What waits gets a moment to leave, because the
// last packet often tells why.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	rest := c.pending
	if len(rest) > 0 && !c.active && c.direct != nil {
		_, _ = c.direct.tryWrite(rest) // as far as it goes
	}
	waits := c.active && len(rest) > 0 && len(rest) <= drainChunk
	if !waits {
		c.wake()
		c.mu.Unlock()
		return c.Conn.Close()
	}
	c.pending = nil
	c.wake()
	c.drains.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.drains.Done()
		_ = c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.Conn.Write(rest)
		_ = c.Conn.Close()
	}()
	return nil
}

// SetDeadline sets the deadline for reading only.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline does nothing once the server closes.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.draining.Load() {
		return nil
	}
	err := c.Conn.SetReadDeadline(t)
	if c.draining.Load() { // beginDraining came in between: its deadline must hold
		return c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return err
}

// beginDraining makes the next Read the last one. What is being handled now is
// finished and answered.
func (c *conn) beginDraining() {
	c.draining.Store(true)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // a closed one needs none
}
