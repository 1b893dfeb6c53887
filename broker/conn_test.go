package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// pair returns both ends of a TCP connection, the server's wrapped.
func pair(t *testing.T, limits Limits) (server *conn, client net.Conn, slow *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	inner, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	limits = limits.withDefaults()
	slow = &atomic.Int32{}
	server = newConn(inner, &limits, func() { slow.Add(1) })
	server.guard.packets, server.guard.pass = 1, math.MaxInt // as if in the middle of a packet
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
		server.drains.Wait()
	})
	return server, client, slow
}

// What is written arrives, in order, whatever of it had to wait.
func TestWriteKeepsOrder(t *testing.T) {
	server, client, slow := pair(t, Limits{PendingBytes: 64 << 20})
	random := rand.New(rand.NewPCG(1, 2))
	var want bytes.Buffer
	for range 2000 {
		b := make([]byte, random.IntN(20_000))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		want.Write(b)
		if n, err := server.Write(b); n != len(b) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("what arrived differs from what was written: %v", err)
	}
	if slow.Load() != 0 {
		t.Error("a reader that reads is called slow")
	}
}

// A reader that reads nothing delays nobody, and is cut off past the bound.
func TestWriteNeverBlocks(t *testing.T) {
	server, _, slow := pair(t, Limits{PendingBytes: 1 << 20})
	chunk := make([]byte, 40_000)
	begun := time.Now()
	var err error
	written := 0
	for err == nil && written < 1<<30 {
		_, err = server.Write(chunk)
		written += len(chunk)
	}
	if !errors.Is(err, errSlowConsumer) || slow.Load() != 1 {
		t.Errorf("after %d bytes: got %v, counted %d times", written, err, slow.Load())
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if _, err := server.Write(chunk); !errors.Is(err, net.ErrClosed) {
		t.Errorf("afterwards: got %v, want net.ErrClosed", err)
	}
}

// A reader that takes nothing for the stall timeout is cut off, though little
// waits for it.
func TestStalledReader(t *testing.T) {
	server, _, slow := pair(t, Limits{PendingBytes: 64 << 20, StallTimeout: 200 * time.Millisecond})
	for range 400 {
		if _, err := server.Write(make([]byte, 40_000)); err != nil {
			break
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for slow.Load() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("a reader that takes nothing is kept")
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
}

// A reader that was slow once is not cut off for it later.
func TestWriteAfterDrain(t *testing.T) {
	const stall = 100 * time.Millisecond
	server, client, slow := pair(t, Limits{PendingBytes: 64 << 20, StallTimeout: stall})
	written := 0
	for len(pending(server)) == 0 {
		n, err := server.Write(make([]byte, 40_000))
		if err != nil {
			t.Fatal(err)
		}
		written += n
	}
	if _, err := io.CopyN(io.Discard, client, int64(written)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * stall) // until the deadline of the drain has passed
	if _, err := server.Write([]byte("x")); err != nil {
		t.Errorf("got %v", err)
	}
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil || slow.Load() != 0 {
		t.Errorf("got %v, called slow %d times", err, slow.Load())
	}
}

// hasRoom waits for a reader, and gives up when the connection ends.
func TestHasRoom(t *testing.T) {
	server, client, _ := pair(t, Limits{PendingBytes: 8 << 20})
	for len(pending(server)) < 3<<20 {
		if _, err := server.Write(make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
	}
	room := make(chan bool, 1)
	go func() { room <- server.hasRoom(nil) }()
	select {
	case <-room:
		t.Fatal("there is room, though 3 MiB wait")
	case <-time.After(50 * time.Millisecond):
	}
	go func() { _, _ = io.Copy(io.Discard, client) }()
	select {
	case ok := <-room:
		if !ok {
			t.Error("the reader reads, and there is no room")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the reader reads, and nobody is told")
	}
	_ = server.Close()
	if server.hasRoom(nil) {
		t.Error("a closed connection has room")
	}
}

func pending(c *conn) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending
}

// The last packet before a close says why, and arrives.
func TestCloseFlushes(t *testing.T) {
	server, client, _ := pair(t, Limits{})
	last := []byte{0xe0, 2, 0x8b, 0}
	if _, err := server.Write(last); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, last) {
		t.Errorf("got %x, %v", got, err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// The same where every write takes the way by the goroutine.
func TestCloseFlushesChunk(t *testing.T) {
	for range 200 {
		server, client, _ := pair(t, Limits{})
		server.direct = nil
		last := []byte{0xe0, 2, 0x8b, 0}
		if _, err := server.Write(last); err != nil {
			t.Fatal(err)
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, last) {
			t.Fatalf("got %x, %v", got, err)
		}
		if _, err := server.Write(last); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("a write after Close: %v", err)
		}
	}
}

func TestDrainingEndsReading(t *testing.T) {
	server, client, _ := pair(t, Limits{})
	said := make(chan struct{}, 8)
	server.onFarewell(func() { said <- struct{}{} })
	done := make(chan error, 1)
	go func() {
		_, err := server.Read(make([]byte, 10))
		done <- err
	}()
	server.beginDraining()
	if err := <-done; !errors.Is(err, net.ErrClosed) || len(said) != 1 {
		t.Errorf("got %v, said %d times", err, len(said))
	}
	if _, err := client.Write([]byte("more")); err != nil {
		t.Error(err)
	}
	if _, err := server.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second read: %v", err)
	}
}

func TestGuard(t *testing.T) {
	connect := func(body int) []byte {
		return append([]byte{connectType, byte(body)}, make([]byte, body)...)
	}
	for _, tt := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a CONNECT and what claims 268 MB, not of a phone", append(connect(20), 0x30, 0xff, 0xff, 0xff, 0x7f), errBigPacket},
		{"half a CONNECT", connect(20)[:7], nil},
		{"nothing", nil, nil},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\n"), errNotConnect},
		{"a PUBLISH", []byte{0x30, 2, 0, 0}, errNotConnect},
		{"CONNECT with flags", []byte{0x11, 2, 0, 0}, errNotConnect},
		{"268 MB", []byte{connectType, 0xff, 0xff, 0xff, 0x7f}, errBigConnect},
		{"64 kB and one", []byte{connectType, 0x81, 0x80, 0x04}, errBigConnect},
		{"a length of five bytes", []byte{connectType, 0x80, 0x80, 0x80, 0x80, 0x01}, errBadRemaining},
	} {
		limits := DefaultLimits()
		if _, err := (&guard{limits: &limits}).filter(bytes.Clone(tt.in)); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		// The same byte by byte.
		if _, err := guarded(&guard{limits: &limits}, tt.in, 1); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s, byte by byte: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// guarded hands bytes to a guard in pieces, as a connection would.
func guarded(g *guard, in []byte, piece int) (out []byte, err error) {
	for len(in) > 0 && err == nil {
		n := min(piece, len(in))
		b := make([]byte, len(g.held)+n)
		held := g.hold(b)
		copy(b[held:], in[:n])
		var passed int
		passed, err = g.filter(b[:held+n])
		out, in = append(out, b[:passed]...), in[n:]
	}
	return out, err
}

// A PUBLISH beyond the limit is shortened, and what surrounds it is left as it
// is, however the bytes come.
func TestGuardShortens(t *testing.T) {
	limits := Limits{ConnectBytes: 100, PacketBytes: 300}
	packet := func(first byte, length int) []byte {
		return append(binary.AppendUvarint([]byte{first}, uint64(length)), bytes.Repeat([]byte{first}, length)...)
	}
	var in, want []byte
	in = append(in, packet(connectType, 20)...)
	in = append(in, packet(publishType, 299)...)
	want = bytes.Clone(in)
	in = append(in, packet(publishType|2, 70_000)...)
	short := packet(publishType|2, 299)
	want = append(append(want, short[0], short[1]|0x80, short[2]|0x80, 0), short[3:]...) // the width of its length is kept
	for _, p := range [][]byte{packet(publishType, 0), packet(0x80, 5)} {
		in, want = append(in, p...), append(want, p...)
	}
	for piece := 1; piece < 1000; piece += 1 + piece/7 {
		g := guard{limits: &limits, phone: true}
		got, err := guarded(&g, in, piece)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("in pieces of %d: %v, got %d bytes, want %d", piece, err, len(got), len(want))
		}
		for n, want := range map[int]int{1: 0, 2: 0, 3: 70_000 - 299, 4: 0, 5: 0} {
			if n != 3 && g.cutFrom(n) != want {
				t.Errorf("packet %d is said to be cut", n)
			}
		}
		if got := g.cutFrom(3); got != 70_000-299 {
			t.Errorf("%d bytes are said to be cut", got)
		}
	}
}

// However the bytes are cut into pieces, the guard makes the same of them, and
// never lets mochi allocate more than it may.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{connectType, 4, 0, 4, 'M', 'Q', 0x30, 0}, 3)
	f.Add([]byte{connectType, 0xff, 0xff, 0xff, 0x7f}, 1)
	f.Add([]byte{connectType, 0x80, 0x80, 0x80, 0x80}, 2)
	f.Add([]byte{connectType, 0, 0x30, 0xff, 0xff, 0x01, 0, 1, 'a'}, 4)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		limits := Limits{ConnectBytes: 1000, PacketBytes: 100}
		phone := len(b)%2 == 0
		whole, parts := guard{limits: &limits, phone: phone}, guard{limits: &limits, phone: phone}
		want, wantErr := guarded(&whole, b, len(b))
		got, err := guarded(&parts, b, max(1, min(piece, len(b))))
		if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%x: %x, %v, but in pieces of %d: %x, %v", b, want, wantErr, piece, got, err)
		}
		if whole.pass > 1000 {
			t.Errorf("%x: a packet of %d bytes has passed", b, whole.pass)
		}
		if len(want) > len(b) {
			t.Errorf("%x has grown to %x", b, want)
		}
	})
}

func TestDoor(t *testing.T) {
	limits := Limits{Connections: 5, ConnectionsPerAddress: 4, HalfOpen: 2}
	d := newDoor(&limits)
	dummy := func() *conn {
		a, b := net.Pipe()
		t.Cleanup(func() { _, _ = a.Close(), b.Close() })
		return newConn(a, &limits, nil)
	}
	enter := func(c *conn) (oldest *conn, refused string) {
		if oldest, refused = d.enter(c); refused == "" && !d.from(c) {
			d.leave(c)
			refused = "connections_per_address"
		}
		return oldest, refused
	}
	first, second, third := dummy(), dummy(), dummy()
	for _, c := range []*conn{first, second} {
		if oldest, refused := enter(c); oldest != nil || refused != "" {
			t.Fatalf("got %v, %q", oldest, refused)
		}
	}
	if oldest, refused := enter(third); oldest != first || refused != "" {
		t.Errorf("a third half-open one: got %v, %q, want the first pushed out", oldest, refused)
	}
	if d.passed(first) || !d.passed(second) || !d.passed(third) {
		t.Error("who was pushed out must not pass, the others must")
	}
	fourth := dummy()
	if _, refused := enter(fourth); refused != "" {
		t.Errorf("a fourth: %q", refused)
	}
	if _, refused := enter(dummy()); refused != "connections_per_address" {
		t.Errorf("a fifth from one address: %q", refused)
	}
	limits.ConnectionsPerAddress, limits.Connections = 0, 4
	if _, refused := enter(dummy()); refused != "connections" {
		t.Errorf("one too many: %q", refused)
	}
	d.leave(second)
	if _, refused := enter(dummy()); refused != "" {
		t.Errorf("after one has left: %q", refused)
	}
	d.close()
	if _, refused := enter(dummy()); refused != "closing" {
		t.Errorf("a door that is shut: %q", refused)
	}
}
