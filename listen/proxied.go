package listen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/pires/go-proxyproto"
)

// ErrProxyHeader is wrapped when a load balancer's connection does not begin
// with a PROXY header that can be read.
var ErrProxyHeader = errors.New("no PROXY protocol header from a load balancer")

// headerBytes is the longest header of version 2 that load balancers send:
// addresses and some notes of theirs.
const headerBytes = 4 << 10

// proxied is a connection from a load balancer, which says in a header whose
// it is (PROXY protocol, versions 1 and 2, by HAProxy).
type proxied struct {
	net.Conn
	in     *bufio.Reader // until what came with the header has been read
	client net.Addr
}

func newProxied(c net.Conn) *proxied {
	return &proxied{Conn: c, in: bufio.NewReaderSize(c, headerBytes), client: c.RemoteAddr()}
}

// HandshakeContext reads the header. When ctx ends first, the connection is
// of no more use.
func (p *proxied) HandshakeContext(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = p.SetReadDeadline(time.Unix(1, 0)) })() // if it fails, the connection is closed
	header, err := proxyproto.Read(p.in)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProxyHeader, err)
	}
	if header.Command == proxyproto.LOCAL { // a health check: from the load balancer itself
		return nil
	}
	client, _, ok := header.TCPAddrs()
	if !ok {
		return fmt.Errorf("%w: it names no TCP address", ErrProxyHeader)
	}
	p.client = client
	return nil
}

// Read reads what has come with the header, and then from the connection.
func (p *proxied) Read(b []byte) (int, error) {
	if p.in == nil {
		return p.Conn.Read(b)
	}
	if p.in.Buffered() > 0 {
		return p.in.Read(b)
	}
	p.in = nil // gives its memory back
	return p.Conn.Read(b)
}

// RemoteAddr is the client's.
func (p *proxied) RemoteAddr() net.Addr { return p.client }

// SyscallConn lets be written without a wait.
func (p *proxied) SyscallConn() (syscall.RawConn, error) {
	c, ok := p.Conn.(syscall.Conn)
	if !ok {
		return nil, syscall.EINVAL
	}
	return c.SyscallConn()
}
