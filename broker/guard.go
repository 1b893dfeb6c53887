package broker

import (
	"errors"
	"fmt"
)

// Why the bytes of a connection are refused.
var (
	errNotConnect   = errors.New("the first packet is not CONNECT")
	errBigConnect   = errors.New("the first packet is too large")
	errBadRemaining = errors.New("the length of a packet is malformed")
	errBigPacket    = errors.New("the packet is too large")
)

// The packets that the guard knows, by their first byte without flags.
const (
	connectType = 0x10 // its flags are zero [MQTT-3.1.0-1]
	publishType = 0x30
)

// keptOfOversize is how much of a PUBLISH that is larger than any may be is
// passed on: its head, and enough of the payload to be kept as rejected.
const keptOfOversize = 128 << 10

// guard looks at the length of each packet before mochi does, which would
// allocate what it claims. Before anybody has logged in, nothing but a small
// CONNECT is any of our business, and afterwards nothing but a phone's PUBLISH
// has a reason to be large. One beyond the limit is shortened, and the hook
// told: to close the connection would be an answer that makes a phone send the
// same again, for ever, and nothing else.
//
// It is used by the connection's reader only.
type guard struct {
	limits *Limits
	phone  bool // has logged in as one

	packets int // that have begun
	pass    int // bytes of the present packet that are still to come
	drop    int // bytes behind them that mochi does not get to see
	held    [4]byte
	holds   int   // bytes of held: a header whose end has not come yet
	cuts    []cut // shortened packets that the hook has not asked for
}

// cut is a packet that was shortened.
type cut struct{ packet, bytes int }

// hold puts the bytes of a header that was incomplete before those to come,
// and returns how many they are.
func (g *guard) hold(b []byte) int {
	n := copy(b, g.held[:g.holds])
	g.holds = 0
	return n
}

// between reports whether what comes next is the beginning of a packet. Then
// mochi has handled all that has passed: it reads when it needs more.
func (g *guard) between() bool { return g.pass == 0 && g.drop == 0 }

// filter leaves in b what may pass, and returns how much that is.
func (g *guard) filter(b []byte) (int, error) {
	out := 0
	for in := 0; in < len(b); {
		var n int
		switch {
		case g.pass > 0:
			n = min(g.pass, len(b)-in)
			g.pass -= n
		case g.drop > 0:
			n = min(g.drop, len(b)-in)
			g.drop -= n
			in += n
			continue
		default:
			var err error
			if n, err = g.header(b[in:]); err != nil {
				return out, err
			}
			if n == 0 {
				g.holds = copy(g.held[:], b[in:])
				return out, nil
			}
		}
		if in != out {
			copy(b[out:], b[in:in+n])
		}
		in, out = in+n, out+n
	}
	return out, nil
}

// header reads the header that b begins with [MQTT-2.1], and returns its
// length, or 0 while it is incomplete.
func (g *guard) header(b []byte) (int, error) {
	if g.packets == 0 && b[0] != connectType {
		return 0, errNotConnect
	}
	length, n := 0, 1
	for more := true; more; n++ {
		if n == len(b) {
			return 0, nil
		}
		length |= int(b[n]&0x7f) << (7 * (n - 1))
		if more = b[n]&0x80 != 0; more && n == 4 { // at most four bytes [MQTT-1.5.5-1]
			return 0, errBadRemaining
		}
	}
	if g.packets == 0 && length > g.limits.ConnectBytes {
		return 0, fmt.Errorf("%w: it claims %d bytes", errBigConnect, length)
	}
	phonePublish := g.phone && b[0]&0xf0 == publishType
	if g.packets > 0 && !phonePublish && length > g.limits.ConnectBytes {
		return 0, fmt.Errorf("%w: it claims %d bytes", errBigPacket, length)
	}
	g.packets++
	g.pass = length
	if phonePublish && length >= g.limits.PacketBytes {
		g.shorten(b[1:n], length)
	}
	return n, nil
}

// shorten makes a packet's length field, whose width it keeps, tell less.
func (g *guard) shorten(field []byte, length int) {
	g.pass = min(keptOfOversize, g.limits.PacketBytes-1)
	g.drop = length - g.pass
	g.cuts = append(g.cuts, cut{g.packets, g.drop})
	for i := range field {
		field[i] = byte(g.pass>>(7*i))&0x7f | 0x80
	}
	field[len(field)-1] &= 0x7f
}

// cutFrom returns how many bytes were cut from a packet, counted from 1. It is
// asked about each packet in turn.
func (g *guard) cutFrom(packet int) int {
	if len(g.cuts) == 0 || g.cuts[0].packet != packet {
		return 0
	}
	bytes := g.cuts[0].bytes
	if g.cuts = g.cuts[1:]; len(g.cuts) == 0 {
		g.cuts = nil
	}
	return bytes
}
