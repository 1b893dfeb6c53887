package broker

import (
	"context"
	"errors"
	"net"
	"time"
)

// handshaker is a connection whose beginning is not MQTT, such as a TLS
// handshake. It runs on the connection's own goroutine, within the connect
// timeout.
type handshaker interface {
	HandshakeContext(context.Context) error
}

// Listen accepts connections of l until [Server.Close], which closes it. They
// are told from each other by the label in metrics and logs: tcp, tls.
func (s *Server) Listen(label string, l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !s.started {
		return errors.Join(errors.New("broker: not started, or closed"), l.Close())
	}
	s.listeners = append(s.listeners, l)
	s.accepting.Go(func() { s.accept(label, l) })
	return nil
}

// accept takes connections until the listener is closed. Errors such as too
// many open files pass: it waits, longer each time, and goes on.
//
// After an outage everybody comes at once. Who comes faster than the accept
// rate waits in the kernel's queue, where waiting costs nothing.
func (s *Server) accept(label string, l net.Listener) {
	const first, longest = 5 * time.Millisecond, time.Second
	pause := first
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = first
			s.conns.Go(func() { s.serve(label, c) })
			s.metrics.acceptDelayed.Add(s.accepts.wait(s.ctx).Seconds())
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
