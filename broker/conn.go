package broker

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errSlowConsumer closes a connection whose reader does not keep up.
var errSlowConsumer = errors.New("slow consumer")

const (
	// drainChunk is how much is handed to the network at once: small enough that
	// a reader that takes it within the stall timeout is alive.
	drainChunk = 16 << 10
	// lastWords is how long a closed connection may take to deliver what was
	// written before.
	lastWords = time.Second
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// conn is a connection whose Write never blocks. What the network does not
// take at once waits, up to a bound, for a goroutine that exists only as long
// as something waits. mochi writes to a client while it holds the client's
// lock, on the goroutine of whoever publishes: with a Write that blocks, one
// stalled reader would stop them all.
//
// Deadlines that mochi sets count for reading; writing has its own.
type conn struct {
	net.Conn
	guard    guard
	limits   *Limits
	onSlow   func()
	direct   directWriter // nil: not possible on this kind of connection
	draining atomic.Bool  // the server closes: no more is read
	idle     atomic.Bool  // the reader waits for the client

	// Of the reader's goroutine.
	session *session // set once, when the client has logged in
	denied  bool     // a login was refused
	seen    int      // packets that mochi has read
	cut     int      // bytes that the guard has cut from the present one

	mu       sync.Mutex
	pending  []byte
	active   bool          // a drain goroutine runs
	leaving  bool          // Close was called: what is pending may still leave
	closed   bool          // nothing leaves any more
	roomy    chan struct{} // closed when pending has become small; nil if nobody waits
	farewell func()        // says why the server closes; nil before the client has logged in
	drains   sync.WaitGroup
}

func newConn(c net.Conn, limits *Limits, onSlow func()) *conn {
	return &conn{Conn: c, guard: guard{limits: limits}, limits: limits, onSlow: onSlow, direct: newDirectWriter(c)}
}

// Read reads what the guard lets pass, and what [conn.express] does not take
// before. There must be room for the header of a packet.
func (c *conn) Read(b []byte) (int, error) {
	if len(b) <= len(c.guard.held) {
		return 0, io.ErrShortBuffer
	}
	for {
		held := c.guard.hold(b)
		n, err := c.receive(b[held:])
		if n == 0 && err != nil {
			return 0, err
		}
		n += held
		if c.guard.between() {
			taken, err := c.express(b[:n])
			if err != nil {
				return 0, err
			}
			n = copy(b, b[taken:n])
		}
		passed, guardErr := c.guard.filter(b[:n])
		if guardErr != nil {
			return passed, guardErr
		}
		if passed > 0 || err != nil {
			return passed, err
		}
	}
}

// receive waits for the client. When the server closes, it says farewell
// instead.
func (c *conn) receive(b []byte) (int, error) {
	c.idle.Store(true) // before draining is looked at: see beginDraining
	defer c.idle.Store(false)
	var n int
	var err error
	if !c.draining.Load() {
		n, err = c.Conn.Read(b)
	}
	if c.draining.Load() {
		c.sayFarewell()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write takes everything or fails at once. It never waits for the reader.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.leaving {
		return 0, net.ErrClosed
	}
	sent := 0
	if !c.active && c.direct != nil {
		var err error
		if sent, err = c.direct.tryWrite(b); err != nil {
			return sent, err
		}
	}
	if sent == len(b) {
		return sent, nil
	}
	if len(c.pending)+len(b)-sent > c.limits.PendingBytes {
		c.onSlow()
		c.shut()
		return sent, errSlowConsumer
	}
	c.pending = append(c.pending, b[sent:]...)
	if !c.active {
		c.active = true
		c.drains.Go(c.drain)
	}
	return len(b), nil
}

// drain writes what waits, until nothing does.
func (c *conn) drain() {
	for {
		chunk := c.next()
		if chunk == nil {
			return
		}
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
		c.pending, c.active = nil, false         // the memory of a burst is given back
		_ = c.Conn.SetWriteDeadline(time.Time{}) // or it would end later writes
		if c.leaving && !c.closed {
			c.shut()
		}
		return nil
	}
	patience := c.limits.StallTimeout
	if c.leaving {
		patience = lastWords
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(patience)) // if it fails, so does Write
	n := min(len(c.pending), drainChunk)
	chunk := c.pending[:n:n]
	c.pending = c.pending[n:]
	return chunk
}

// giveUp ends a connection that cannot be written to.
func (c *conn) giveUp(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = false
	if c.closed {
		return
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && !c.leaving {
		c.onSlow()
	}
	c.shut()
}

// shut closes the connection under this one, on another goroutine: a web
// socket's Close may wait for its reader. The caller holds mu.
func (c *conn) shut() {
	c.closed, c.pending = true, nil
	c.wake()
	c.drains.Go(func() { _ = c.Conn.Close() }) // there is nobody who could do anything about it
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
		if c.closed || c.leaving {
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

// Close closes the connection. A little that waits gets a moment to leave,
// because the last packet often tells why.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed || c.leaving {
		c.mu.Unlock()
		return nil
	}
	c.leaving = true
	c.wake()
	if c.active && len(c.pending) <= drainChunk {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(lastWords))
		if c.direct != nil { // a web socket would end at once
			_ = c.Conn.SetReadDeadline(longAgo)
		}
		c.mu.Unlock()
		return nil
	}
	c.closed, c.pending = true, nil
	c.mu.Unlock()
	return c.Conn.Close()
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
		return c.Conn.SetReadDeadline(longAgo)
	}
	return err
}

// onFarewell sets what is said when the server closes.
func (c *conn) onFarewell(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.farewell = sync.OnceFunc(f)
}

// sayFarewell reports false if there is nobody to say it to.
func (c *conn) sayFarewell() bool {
	c.mu.Lock()
	farewell := c.farewell
	c.mu.Unlock()
	if farewell == nil {
		return false
	}
	farewell()
	return true
}

// beginDraining ends reading. What is being handled now is finished and
// answered; then, or at once if nothing is, the client is told.
func (c *conn) beginDraining() {
	c.draining.Store(true)
	if c.idle.Load() && c.sayFarewell() && c.direct == nil {
		return // a web socket would end before the farewell has left; it is closed behind that
	}
	_ = c.Conn.SetReadDeadline(longAgo) // a closed one needs none
}
