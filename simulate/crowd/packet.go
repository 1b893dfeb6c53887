package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The packets of MQTT 3.1.1 that phones send and get [MQTT 3.1.1, 2.2.1].
const (
	typeConnect    = 1
	typeConnAck    = 2
	typePublish    = 3
	typePubAck     = 4
	typeSubscribe  = 8
	typeSubAck     = 9
	typePingReq    = 12
	typePingResp   = 13
	typeDisconnect = 14
)

var (
	pingReq    = []byte{typePingReq << 4, 0}
	disconnect = []byte{typeDisconnect << 4, 0}
)

var errMalformed = errors.New("malformed packet from the server")

// appendConnect writes a CONNECT with user name and password that keeps the
// session, as phones do, or begins a new one [MQTT 3.1.1, 3.1].
func appendConnect(b []byte, p *Phone, keepAlive time.Duration, clean bool) []byte {
	const userAndPassword, cleanSession = 0xc0, 0x02
	flags := byte(userAndPassword)
	if clean {
		flags |= cleanSession
	}
	body := make([]byte, 0, 64+len(p.ClientID)+len(p.Username)+len(p.Password))
	body = appendString(body, "MQTT")
	body = append(body, 4, flags)
	body = binary.BigEndian.AppendUint16(body, uint16(keepAlive/time.Second)) //nolint:gosec // checked by withDefaults
	body = appendString(body, p.ClientID)
	body = appendString(body, p.Username)
	body = appendString(body, p.Password)
	return append(appendHead(b, typeConnect<<4, len(body)), body...)
}

// appendPublish writes a PUBLISH of QoS 1 [MQTT 3.1.1, 3.3].
func appendPublish(b []byte, topic string, id uint16, dup bool, payload []byte) []byte {
	head := byte(typePublish<<4 | 1<<1)
	if dup {
		head |= 1 << 3
	}
	b = appendHead(b, head, 2+len(topic)+2+len(payload))
	b = appendString(b, topic)
	b = binary.BigEndian.AppendUint16(b, id)
	return append(b, payload...)
}

func appendHead(b []byte, head byte, n int) []byte {
	return binary.AppendUvarint(append(b, head), uint64(n)) // MQTT's length is a uvarint [MQTT 3.1.1, 2.2.3]
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) //nolint:gosec // of enrolment, short
}

// incoming takes packets out of what has been read. Of their content only the
// first two bytes matter; the rest is skipped, however long it is.
type incoming struct {
	buf  []byte
	skip int // bytes of the packet before that are still to come
}

// packet is what a phone looks at.
type packet struct {
	kind byte
	body [2]byte // of CONNACK: flags, code; of PUBACK: the id
}

// feed adds bytes that were read.
func (in *incoming) feed(b []byte) {
	n := min(in.skip, len(b))
	in.skip -= n
	in.buf = append(in.buf, b[n:]...)
}

// next returns the next packet; ok is false if it is not complete yet.
func (in *incoming) next() (p packet, ok bool, err error) {
	if len(in.buf) < 2 {
		return p, false, nil
	}
	length, n := binary.Uvarint(in.buf[1:min(len(in.buf), 5)])
	switch {
	case n == 0 && len(in.buf) < 5:
		return p, false, nil
	case n <= 0:
		return p, false, errMalformed
	}
	begin := 1 + n
	need := begin + int(min(length, 2)) //nolint:gosec // at most 2
	if len(in.buf) < need {
		return p, false, nil
	}
	p.kind = in.buf[0] >> 4
	copy(p.body[:], in.buf[begin:need])
	if (p.kind == typeConnAck || p.kind == typePubAck) && length != 2 {
		return p, false, fmt.Errorf("%w: %d bytes where 2 are due", errMalformed, length)
	}
	end := begin + int(length) //nolint:gosec // less than 256 MB, as it has 4 digits of 7 bits
	if end > len(in.buf) {
		in.skip = end - len(in.buf)
		end = len(in.buf)
	}
	in.buf = in.buf[:copy(in.buf, in.buf[end:])]
	return p, true, nil
}
