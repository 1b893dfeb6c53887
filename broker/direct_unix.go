//go:build unix

package broker

import (
	"errors"
	"net"
	"syscall"
)

// directWriter writes to a socket what its buffer takes at once.
type directWriter interface {
	tryWrite(b []byte) (int, error)
}

type socket struct{ raw syscall.RawConn }

func newDirectWriter(c net.Conn) directWriter {
	plain, ok := c.(syscall.Conn) // TLS and web sockets are not
	if !ok {
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	return socket{raw}
}

// tryWrite writes without waiting. A full buffer is not an error.
func (s socket) tryWrite(b []byte) (n int, err error) {
	rawErr := s.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true // never wait for the socket
	})
	n = max(n, 0)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	return n, errors.Join(rawErr, err)
}
