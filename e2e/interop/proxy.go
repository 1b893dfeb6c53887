package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// login is an identity of the server.
type login struct{ user, password, employee string }

// proxy serves the suite's connections. Its fields do not change.
type proxy struct {
	dial   func(context.Context) (net.Conn, error)
	reader login
	phones []login
}

// upstream is a connection to the server.
type upstream struct {
	login
	conn net.Conn
	in   *bufio.Reader
}

// session is one connection of the suite.
type session struct {
	version byte
	client  net.Conn
	write   sync.Mutex // to client
	reader  *upstream
	phones  []*upstream
	aliases map[uint16]*upstream // whose topic it is; for the client's goroutine
	flows   map[uint16]*upstream // where a QoS 2 publish went
	granted chan struct{}        // a SUBACK or UNSUBACK has passed
	done    chan struct{}        // closed when the session ends
	end     func()
}

// timeout bounds everything that is waited for.
const timeout = 10 * time.Second

// handle serves a connection of the suite until either side ends it.
func (p *proxy) handle(ctx context.Context, client net.Conn) error {
	defer client.Close()
	in := bufio.NewReader(client)
	first, err := readPacket(in)
	if err != nil {
		return ended(err)
	}
	if first.kind() != connectType {
		return fmt.Errorf("the first packet is of type %d", first.kind())
	}
	c, err := parseConnect(first)
	if err != nil {
		return fmt.Errorf("CONNECT: %w", err)
	}
	s := &session{version: c.version, client: client, aliases: map[uint16]*upstream{}, flows: map[uint16]*upstream{},
		granted: make(chan struct{}, 1), done: make(chan struct{})}
	s.end = sync.OnceFunc(func() {
		close(s.done)
		for _, u := range s.all() {
			u.conn.Close()
		}
		s.part()
	})
	defer s.end()
	defer context.AfterFunc(ctx, s.end)()
	if ok, err := p.connect(ctx, s, c); !ok {
		return err
	}
	var up sync.WaitGroup
	defer up.Wait()
	for _, u := range s.all() {
		up.Go(func() {
			defer s.end()
			s.fromServer(u)
		})
	}
	return s.fromClient(in)
}

// all lists the connections to the server that are open, the reader's first.
func (s *session) all() (all []*upstream) {
	if s.reader != nil {
		all = append(all, s.reader)
	}
	return append(all, s.phones...)
}

// connect logs in as everybody. The client gets the reader's CONNACK, or the
// one that refuses; ok is false if there is no session.
func (p *proxy) connect(ctx context.Context, s *session, c connect) (ok bool, err error) {
	for i, l := range append([]login{p.reader}, p.phones...) {
		conn, err := p.dial(ctx)
		if err != nil {
			return false, fmt.Errorf("connect to the server: %w", err)
		}
		u := &upstream{login: l, conn: conn, in: bufio.NewReader(conn)}
		if i == 0 {
			s.reader = u
		} else {
			s.phones = append(s.phones, u)
		}
		will := i > 0 && employeeOf(c.will) == l.employee
		if _, err := conn.Write(c.as(l, will).bytes()); err != nil {
			return false, ended(err)
		}
	}
	var answer packet
	for i, u := range s.all() {
		if err := u.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
			return false, err
		}
		connack, err := readPacket(u.in)
		if err != nil {
			return false, ended(err) // closed without an answer, as the client's will be
		}
		if i == 0 {
			answer = connack
		}
		if connack.kind() != connackType || len(connack.body) < 2 || connack.body[1] != 0 {
			return false, s.send(connack)
		}
		if err := u.conn.SetReadDeadline(time.Time{}); err != nil {
			return false, err
		}
	}
	return true, s.send(answer)
}

// employeeOf is whose topic it is: fc/{company}/{employee}/….
func employeeOf(topic []byte) string {
	levels := bytes.SplitN(topic, []byte("/"), 4)
	if len(levels) < 3 {
		return ""
	}
	return string(levels[2])
}

// owner returns the phone that a topic belongs to, or one that must not write
// it, if it belongs to none.
func (s *session) owner(topic []byte) *upstream {
	for _, u := range s.phones {
		if u.employee == employeeOf(topic) {
			return u
		}
	}
	return s.phones[0]
}

func (s *session) send(p packet) error {
	s.write.Lock()
	defer s.write.Unlock()
	_, err := s.client.Write(p.bytes())
	return ended(err)
}

// part ends the connection to the client: it can read the last of what the
// server has said, which a reset would take away, and what it still sends is
// dropped until it has noticed.
func (s *session) part() {
	if half, ok := s.client.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && s.client.SetReadDeadline(time.Now().Add(parting)) == nil {
		return
	}
	s.client.Close()
}

// parting is how long a client may take to notice.
const parting = 2 * time.Second

// fromClient passes on what the client sends, until it ends the connection.
func (s *session) fromClient(in *bufio.Reader) error {
	for {
		p, err := readPacket(in)
		if err != nil {
			return ended(err)
		}
		select {
		case <-s.done:
			continue
		default:
		}
		if err := s.route(p); err != nil {
			return err
		}
		if p.kind() == disconnectType {
			select { // the server closes
			case <-s.done:
			case <-time.After(timeout):
			}
			return nil
		}
	}
}

func (s *session) route(p packet) error {
	switch p.kind() {
	case publishType:
		return s.publish(p)
	case pubrelType:
		if u := s.flows[p.id()]; u != nil {
			return u.send(p)
		}
		return s.phones[0].send(p)
	case pubackType, pubrecType, pubcompType:
		return s.reader.send(p)
	case subscribeType, unsubscribeType:
		if err := s.reader.send(p); err != nil {
			return err
		}
		// What the client publishes next takes another way, and must not arrive
		// before the subscription.
		select {
		case <-s.granted:
		case <-s.done:
		case <-time.After(timeout):
			return errors.New("a subscription is not answered")
		}
		return nil
	default: // PINGREQ, DISCONNECT, and what should not be
		for _, u := range s.all() {
			if err := u.send(p); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *session) publish(p packet) error {
	m, err := parsePublish(p, s.version)
	if err != nil {
		return fmt.Errorf("PUBLISH: %w", err)
	}
	to := s.owner(m.topic)
	if alias := m.alias(); alias > 0 {
		if known := s.aliases[alias]; known != nil && len(m.topic) == 0 {
			to = known
		}
		s.aliases[alias] = to
	}
	if m.qos() == 2 {
		s.flows[m.id] = to
	}
	m.payload = wrap(m.payload)
	return to.send(m.packet(s.version))
}

func (u *upstream) send(p packet) error {
	_, err := u.conn.Write(p.bytes())
	return ended(err)
}

// fromServer passes on what one of the connections to the server brings. Of
// the answers to a ping the client gets one.
func (s *session) fromServer(u *upstream) {
	for {
		p, err := readPacket(u.in)
		if err != nil {
			return
		}
		switch {
		case p.kind() == pingrespType && u != s.reader:
			continue
		case p.kind() == publishType:
			m, err := parsePublish(p, s.version)
			if err != nil {
				return
			}
			m.payload = unwrap(m.payload)
			p = m.packet(s.version)
		}
		if s.send(p) != nil {
			return
		}
		if p.kind() == subackType || p.kind() == unsubackType {
			select {
			case s.granted <- struct{}{}:
			default:
			}
		}
	}
}

// ended is nil if the error only says that a connection has ended: that is how
// it is told.
func ended(err error) error {
	var network *net.OpError
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) {
		return nil
	}
	return err
}
