//go:build !unix

package broker

import "net"

// directWriter is not available here: everything goes through the goroutine
// that drains.
type directWriter interface {
	tryWrite(b []byte) (int, error)
}

func newDirectWriter(net.Conn) directWriter { return nil }
