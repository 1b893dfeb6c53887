package broker_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/journal"
	"fieldcast/track"
)

// What one connection may cost beside ten times what it sends: a login, the
// buffers of mochi and ours, and a snapshot.
const fuzzAllowance = 4 << 20

// pipes is a listener of connections in memory: a fuzzer opens more than there
// are ports.
type pipes struct {
	in     chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{in: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// dial returns the client's end, and what is closed when the server has closed
// its own.
func (p *pipes) dial() (client net.Conn, ended chan struct{}) {
	server, client := net.Pipe()
	e := &ending{Conn: server, ended: make(chan struct{})}
	p.in <- e
	return client, e.ended
}

type ending struct {
	net.Conn
	ended chan struct{}
	once  sync.Once
}

func (e *ending) Close() error {
	e.once.Do(func() { close(e.ended) })
	return e.Conn.Close()
}

// forgetful acknowledges everything and keeps nothing, so that what grows is
// the broker's.
type forgetful struct{}

func (forgetful) Append(context.Context, journal.Record) (uint64, error) { return 1, nil }

// FuzzConnection sends whatever comes after CONNECT to a running broker. The
// connection must end with it, cost little memory, and leave a witness served.
func FuzzConnection(f *testing.F) {
	roles := []string{"device:acme:e1", "viewer:acme:v", "manager:acme:m", "integrator:acme:i", "operator::o"}
	versions := []byte{3, 4, 5}
	for i, version := range versions {
		for j := range roles {
			for _, p := range brokertest.Packets(version, "device:acme:e1") {
				f.Add(byte(i+len(versions)*j), p)
			}
		}
	}
	b := brokertest.Start(f, func(o *broker.Options) {
		o.Journal, o.Logger = forgetful{}, slog.New(slog.DiscardHandler)
		o.Limits.AcceptsPerSecond, o.Limits.PublishesPerSecond, o.Limits.PublishBurst = 1<<30, 1<<30, 1<<30
	})
	b.People.Set([]track.Position{{Fix: track.Fix{Company: "acme", Employee: "e1"}}, {Fix: track.Fix{Company: "other", Employee: "e1"}}})
	door := newPipes()
	if err := b.Server.Listen("pipe", door); err != nil {
		f.Fatal(err)
	}
	conn, _ := door.dial()
	f.Cleanup(func() { _ = conn.Close() })
	witness := brokertest.NewClient(f, conn)
	if code := witness.Login(brokertest.Login{ClientID: "w", Username: "u", Password: "device:acme:witness"}); code != 0 {
		f.Fatalf("the witness is refused: 0x%02x", code)
	}
	f.Fuzz(func(t *testing.T, who byte, in []byte) {
		witness.TB = t
		login := brokertest.Login{
			Version: versions[int(who)%len(versions)], ClientID: "f", Username: "u",
			Password: roles[int(who)/len(versions)%len(roles)],
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answers := throw(t, door, login, in)
		runtime.ReadMemStats(&after)
		if cost := after.TotalAlloc - before.TotalAlloc; cost > fuzzAllowance+10*uint64(len(in)) {
			t.Errorf("%d bytes made the broker allocate %d", len(in), cost)
		}
		if answers > fuzzAllowance {
			t.Errorf("%d bytes are answered by %d", len(in), answers)
		}
		witness.Acked("fc/acme/witness", "{}", 1)
	})
}

// throw logs in, sends the bytes, hangs up, and waits until the broker has done
// so too. It returns how many bytes came back.
func throw(t *testing.T, door *pipes, login brokertest.Login, in []byte) int64 {
	t.Helper()
	conn, ended := door.dial()
	c := brokertest.NewClient(t, conn)
	if code := c.Login(login); code != 0 {
		t.Fatalf("refused with 0x%02x", code)
	}
	var answers int64
	read := make(chan struct{})
	_ = conn.SetReadDeadline(time.Time{}) // a pipe that is open
	go func() {
		defer close(read)
		answers, _ = io.Copy(io.Discard, conn) // until either end is closed
	}()
	c.Send(in)
	_ = conn.Close() // that was all
	<-read
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the broker keeps a connection that has been hung up")
	}
	return answers
}
