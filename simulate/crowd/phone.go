package crowd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// Limits of a connection.
const (
	handshakeWait = 10 * time.Second
	writeWait     = 10 * time.Second
	longestPause  = time.Second // before connecting again
)

// sentFix is a fix that a phone has published, as integers: microseconds since
// 1970, and 1e-7 degrees. It holds all that is needed to send it again, byte
// for byte: a fix with another speed would be another fix.
type sentFix struct {
	at       int64
	lat, lon int32
	vel, cog uint16 // km/h, degrees
	tries    uint8  // how often it was written; stays at the largest number
	acked    bool
}

// phone is one phone of a run: its fixes, and the connection if there is one.
type phone struct {
	Phone
	run   *run
	topic string
	once  sync.Once // for the first connection

	mu      sync.Mutex
	walker  walker
	fixes   []sentFix
	waiting []int32     // the fixes without acknowledgement, oldest first
	sent    int         // how many of waiting are written on this connection
	sentAt  []time.Time // when those were
	conn    net.Conn    // nil: not connected
	tally   tally
	buf     []byte
}

// tally is what a phone counts.
type tally struct {
	connects, losses, refusals int
	lastRefusal                byte
	resent                     int
	strayAcks                  int
	ackMicros                  []uint32 // of each acknowledgement, from the last write
}

func newPhone(r *run, p Phone) *phone {
	return &phone{Phone: p, run: r, topic: "fc/" + p.Company + "/" + p.Employee, walker: newWalker(&p)}
}

// publish makes a fix and sends it, or keeps it for later.
func (p *phone) publish(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.make(at)
	p.pump()
}

// make puts a new fix on the list. p.mu is held.
func (p *phone) make(at time.Time) {
	p.fixes = append(p.fixes, p.walker.step(at))
	p.waiting = append(p.waiting, int32(len(p.fixes)-1)) //nolint:gosec // memory ends before
	p.run.published.Add(1)
}

// pump writes what is waiting, as far as the window is open. p.mu is held.
func (p *phone) pump() {
	if p.conn == nil || p.sent >= min(p.run.o.Inflight, len(p.waiting)) {
		return
	}
	p.buf = p.buf[:0]
	now := time.Now()
	for p.sent < min(p.run.o.Inflight, len(p.waiting)) {
		n := p.waiting[p.sent]
		for range p.run.o.Repeat {
			p.put(n)
		}
		p.sent++
		p.sentAt = append(p.sentAt, now)
	}
	p.write(p.buf)
}

// put appends a publish to what is to be written. p.mu is held.
func (p *phone) put(n int32) {
	var payload [256]byte
	f := &p.fixes[n]
	p.buf = appendPublish(p.buf, p.topic, packetID(n), f.tries > 0, appendLocation(payload[:0], *f, p.run.padding))
	if f.tries > 0 {
		p.tally.resent++
	}
	if f.tries < 255 {
		f.tries++
	}
}

// write sends bytes; a failure closes the connection, which ends its reader.
// p.mu is held.
func (p *phone) write(b []byte) {
	p.conn.SetWriteDeadline(time.Now().Add(writeWait)) //nolint:errcheck // the write fails then
	if _, err := p.conn.Write(b); err != nil {
		p.conn.Close()
	}
}

// packetID is the identifier of the n-th fix; distinct among those in flight.
func packetID(n int32) uint16 { return uint16(n%65535) + 1 } //nolint:gosec // 1 to 65535

// acknowledge takes a fix off the list [MQTT 3.1.1, 4.3.2].
func (p *phone) acknowledge(id uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, n := range p.waiting[:p.sent] {
		if packetID(n) != id {
			continue
		}
		p.fixes[n].acked = true
		p.tally.ackMicros = append(p.tally.ackMicros, uint32(min(time.Since(p.sentAt[i]).Microseconds(), 1<<32-1))) //nolint:gosec // bounded
		copy(p.waiting[1:i+1], p.waiting[:i])
		p.waiting = p.waiting[1:]
		p.sentAt = append(p.sentAt[:i], p.sentAt[i+1:]...)
		p.sent--
		p.run.acked.Add(1)
		if p.run.eager.Load() {
			p.make(time.Now())
		}
		p.pump()
		return
	}
	p.tally.strayAcks++
}

// live connects, reads until the connection ends, and connects again, until ctx
// is done.
func (p *phone) live(ctx context.Context) {
	for pause := longestPause / 16; ctx.Err() == nil; pause = min(2*pause, longestPause) {
		began := time.Now()
		err := p.session(ctx)
		if ctx.Err() != nil {
			return
		}
		p.run.o.Logger.Debug("connection ended", "client_id", p.ClientID, "error", err)
		if time.Since(began) > 10*longestPause {
			pause = longestPause / 16
		}
		select { // jitter, so that a crowd does not come back at the same moment
		case <-time.After(rand.N(pause) + time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// session is one connection. It returns why it ended.
func (p *phone) session(ctx context.Context) error {
	conn, in, err := p.connect(ctx)
	if err != nil {
		return err
	}
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(left); leave(conn) })
	p.mu.Lock()
	p.conn, p.sent, p.sentAt = conn, 0, p.sentAt[:0]
	p.tally.connects++
	p.pump()
	p.mu.Unlock()
	p.once.Do(func() {
		if p.run.missing.Add(-1) == 0 {
			close(p.run.allThere)
		}
	})
	p.run.connected.Add(1)

	err = p.read(conn, in)

	p.run.connected.Add(-1)
	if !stop() {
		<-left
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = nil
	if ctx.Err() == nil {
		p.tally.losses++
	}
	conn.Close()
	return err
}

// leave says goodbye and closes.
func leave(conn net.Conn) {
	conn.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // the write fails then
	conn.Write(disconnect)                             //nolint:errcheck // it is closed anyway
	conn.Close()
}

// connect opens a connection and waits for the server's yes.
func (p *phone) connect(ctx context.Context) (net.Conn, *incoming, error) {
	select {
	case p.run.dials <- struct{}{}:
		defer func() { <-p.run.dials }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	conn, err := p.run.o.Dial(ctx, p.run.o.Addr)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // closed below then
	in := &incoming{}
	err = p.handshake(conn, in)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, in, nil
}

func (p *phone) handshake(conn net.Conn, in *incoming) error {
	if _, err := conn.Write(appendConnect(nil, &p.Phone, p.run.o.KeepAlive, p.run.o.Clean)); err != nil {
		return err
	}
	var buf [64]byte
	for {
		k, ok, err := in.next()
		if err != nil {
			return err
		}
		if ok {
			return p.welcome(k)
		}
		n, err := conn.Read(buf[:])
		if err != nil {
			return err
		}
		in.feed(buf[:n])
	}
}

func (p *phone) welcome(k packet) error {
	if k.kind != typeConnAck {
		return fmt.Errorf("%w: type %d where CONNACK is due", errMalformed, k.kind)
	}
	if code := k.body[1]; code != 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tally.refusals++
		p.tally.lastRefusal = code
		return fmt.Errorf("the server refused the connection with code %d", code)
	}
	return nil
}

// read handles packets until the connection ends. It wakes up in between to
// ping, and to end a connection that has fallen silent.
func (p *phone) read(conn net.Conn, in *incoming) error {
	tick := min(p.run.o.KeepAlive/2, max(p.run.o.AckWait/2, time.Millisecond))
	silentTicks := 0
	var buf [256]byte
	for {
		for {
			k, ok, err := in.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if k.kind == typePubAck {
				p.acknowledge(binary.BigEndian.Uint16(k.body[:]))
			}
		}
		if err := conn.SetReadDeadline(time.Now().Add(tick)); err != nil {
			return err
		}
		n, err := conn.Read(buf[:])
		in.feed(buf[:n])
		switch {
		case err == nil:
			silentTicks = 0
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		default:
			silentTicks++
			if err := p.nudge(conn, silentTicks); err != nil {
				return err
			}
		}
	}
}

// nudge pings a server that has been silent for a tick; two unanswered pings,
// or a publish without acknowledgement for AckWait, end the connection.
func (p *phone) nudge(conn net.Conn, silentTicks int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if silentTicks > 2 {
		return errors.New("the server does not answer pings")
	}
	if p.sent > 0 && time.Since(p.sentAt[0]) > p.run.o.AckWait {
		return fmt.Errorf("no acknowledgement for %v", p.run.o.AckWait)
	}
	p.write(pingReq)
	return nil
}

// idle reports whether everything is acknowledged.
func (p *phone) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) == 0
}
