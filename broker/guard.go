package broker

import (
	"errors"
	"fmt"
)

// Why the first bytes of a connection are refused.
var (
	errNotConnect   = errors.New("the first packet is not CONNECT")
	errBigConnect   = errors.New("the first packet is too large")
	errBadRemaining = errors.New("the length of the first packet is malformed")
)

// connectType is the first byte of a CONNECT packet [MQTT-3.1.0-1].
const connectType = 0x10

// guard watches the first packet of a connection: before anybody has logged
// in, a claim of 256 MB must not make anybody allocate it, and nothing but a
// small CONNECT is any of our business. Afterwards it lets everything pass.
type guard struct {
	limit  int
	state  guardState
	length int // of the packet, as far as its length has been read
	shift  uint
	seen   int // bytes of its body
}

type guardState uint8

const (
	wantType guardState = iota
	wantLength
	wantBody
	passed
)

// inspect looks at the bytes as they come.
func (g *guard) inspect(b []byte) error {
	for i, c := range b {
		switch g.state {
		case wantType:
			if c != connectType {
				return errNotConnect
			}
			g.state = wantLength
		case wantLength:
			g.length |= int(c&0x7f) << g.shift
			g.shift += 7
			switch {
			case g.length > g.limit:
				return fmt.Errorf("%w: it claims %d bytes", errBigConnect, g.length)
			case c&0x80 == 0:
				g.state = wantBody
			case g.shift > 21: // at most four bytes [MQTT-1.5.5-1]
				return errBadRemaining
			}
		case wantBody:
			g.seen += len(b) - i
			if g.seen >= g.length {
				g.state = passed
			}
			return nil
		case passed:
			return nil
		}
	}
	return nil
}
