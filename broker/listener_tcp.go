package broker

import (
	"context"
	"errors"
	"net"
	"time"
)

// ListenTCP binds an address, accepts connections until [Server.Close], and
// returns the address with the real port.
func (s *Server) ListenTCP(addr string) (net.Addr, error) {
	// No keep-alive packets of TCP: MQTT has its own, at a pace that the phone
	// chooses, and each packet wakes a phone's radio.
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !s.started {
		return nil, errors.Join(errors.New("broker: not started, or closed"), l.Close())
	}
	s.listeners = append(s.listeners, l)
	s.accepting.Go(func() { s.accept(l) })
	return l.Addr(), nil
}

// accept takes connections until the listener is closed. Errors such as too
// many open files pass: it waits, longer each time, and goes on.
func (s *Server) accept(l net.Listener) {
	const first, longest = 5 * time.Millisecond, time.Second
	pause := first
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = first
			s.conns.Go(func() { s.serve("tcp", c) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			s.metrics.refused.WithLabelValues("accept").Inc()
			s.Logger.Error("cannot accept connections", "error", err, "again_in", pause)
			time.Sleep(pause)
			pause = min(2*pause, longest)
		}
	}
}
