package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
)

// Options say what comes before the client's own protocol.
type Options struct {
	// TLS is used if not nil.
	TLS *tls.Config
	// Proxies are load balancers: a connection from one of them must begin with
	// a PROXY protocol header, version 1 or 2, which names the client. From
	// anybody else such a header is garbage.
	Proxies []netip.Prefix
}

// TCP binds an address. The connections that it accepts send no keep-alive
// packets of TCP: MQTT has its own, at a pace that the phone chooses, and each
// packet wakes a phone's radio.
//
// Accept returns a connection as soon as it is there. If it has a method
// HandshakeContext(context.Context) error, that must return nil before the
// connection, or its RemoteAddr, is used.
func TCP(addr string, o Options) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	if o.TLS == nil && len(o.Proxies) == 0 {
		return l, nil
	}
	return &listener{Listener: l, Options: o}, nil
}

// Prefixes parses addresses ("192.0.2.1") and networks ("10.0.0.0/8").
func Prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			addr, addrErr := netip.ParseAddr(s)
			if addrErr != nil {
				return nil, fmt.Errorf("%q is not an address such as 192.0.2.1 or a network such as 10.0.0.0/8", s)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

type listener struct {
	net.Listener
	Options
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !within(l.Proxies, c.RemoteAddr()) {
		if l.TLS == nil {
			return c, nil
		}
		return tls.Server(c, l.TLS), nil
	}
	p := newProxied(c)
	if l.TLS == nil {
		return p, nil
	}
	return &proxiedTLS{Conn: tls.Server(p, l.TLS), proxied: p}, nil
}

// proxiedTLS is TLS whose client a PROXY header names.
type proxiedTLS struct {
	*tls.Conn
	proxied *proxied
}

func (c *proxiedTLS) HandshakeContext(ctx context.Context) error {
	if err := c.proxied.HandshakeContext(ctx); err != nil {
		return err
	}
	return c.Conn.HandshakeContext(ctx)
}

// within reports whether an address is in one of the networks.
func within(list []netip.Prefix, a net.Addr) bool {
	if len(list) == 0 {
		return false
	}
	at, err := netip.ParseAddrPort(a.String())
	return err == nil && contains(list, at.Addr())
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
