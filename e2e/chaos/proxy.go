//go:build unix

package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// proxy stands between two sides of TCP and is a bad network on demand. The
// troubles hold for all connections that are there, and for new ones.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[*link]bool
	pause   time.Duration // of each piece of data
	frozen  bool
	closed  bool
	twins   bool // the next connection that speaks is duplicated
	made    int  // twins
}

// link is a connection through the proxy.
type link struct {
	near, far net.Conn
	dead      bool // nothing passes any more, and nobody is told
}

// newProxy listens on a free port.
func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // binds at once
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[*link]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.running.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.serve(near) })
	}
}

// serve carries a connection until one side ends it.
func (p *proxy) serve(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", p.target) //nolint:noctx // on this machine
	if err != nil {
		return
	}
	defer far.Close()
	l := &link{near: near, far: far}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.conns[l] = true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.carry(l, near, far, true) })
	both.Go(func() { p.carry(l, far, near, false) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, l)
	p.mu.Unlock()
}

// carry copies one direction, and ends both when it ends, unless the link is
// dead: then nobody hears of it.
func (p *proxy) carry(l *link, from, to net.Conn, up bool) {
	buf := make([]byte, 16<<10)
	var sent []byte // upwards, for a twin
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !p.pass(l) {
				break
			}
			if up && len(sent) < 64<<10 {
				sent = append(sent, buf[:n]...)
				if p.wantsTwin() {
					p.running.Go(func() { p.twin(sent) })
					sent = nil
				}
			}
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if p.isDead(l) {
		_, _ = io.Copy(io.Discard, from) // until somebody closes it
		return
	}
	from.Close()
	to.Close()
}

// pass waits for as long as the network takes; false if it has swallowed the data.
func (p *proxy) pass(l *link) bool {
	p.mu.Lock()
	pause := p.pause
	for p.frozen && !p.closed && !l.dead {
		p.changed.Wait()
	}
	dead := l.dead || p.closed
	p.mu.Unlock()
	time.Sleep(pause)
	return !dead
}

func (p *proxy) isDead(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.dead && !p.closed
}

// wantsTwin reports, once, whether the connection that asks is to be duplicated.
func (p *proxy) wantsTwin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	wants := p.twins
	if p.twins = false; wants {
		p.made++
	}
	return wants
}

func (p *proxy) twinsMade() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made
}

// twin says everything that a connection has said again, on one of its own: a
// network that delivers twice.
func (p *proxy) twin(said []byte) {
	far, err := net.Dial("tcp", p.target) //nolint:noctx // on this machine
	if err != nil {
		return
	}
	defer far.Close()
	if _, err := far.Write(said); err != nil {
		return
	}
	_ = far.SetReadDeadline(time.Now().Add(time.Second)) // a connection has deadlines
	_, _ = io.Copy(io.Discard, far)                      // its answers interest nobody
}

func (p *proxy) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

// delay makes every piece of data late.
func (p *proxy) delay(d time.Duration) { p.change(func() { p.pause = d }) }

// freeze lets nothing through until the network heals; nothing is lost.
func (p *proxy) freeze() { p.change(func() { p.frozen = true }) }

// duplicate lets the next connection that speaks be followed by a twin.
func (p *proxy) duplicate() { p.change(func() { p.twins = true }) }

// lose drops the connections half open: nothing passes, and neither side is
// told. New ones work.
func (p *proxy) lose() {
	p.change(func() {
		for l := range p.conns {
			l.dead = true
		}
	})
}

// cut ends all connections with a reset.
func (p *proxy) cut() {
	p.change(func() {
		for l := range p.conns {
			for _, c := range []net.Conn{l.near, l.far} {
				if t, ok := c.(*net.TCPConn); ok {
					_ = t.SetLinger(0) // else it ends politely
				}
				c.Close()
			}
		}
	})
}

// heal makes it a good network again.
func (p *proxy) heal() { p.change(func() { p.pause, p.frozen, p.twins = 0, false, false }) }

// close ends everything and waits for it.
func (p *proxy) close() error {
	err := p.listener.Close()
	p.change(func() { p.closed = true })
	p.cut()
	p.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
