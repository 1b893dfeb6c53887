package broker

import (
	"bytes"
	"encoding/binary"
	"net"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// The express way: the one packet that nearly all of the traffic is made of, a
// phone's PUBLISH with QoS 1 on its own topic, is taken here, where its bytes
// arrive. mochi would hand it from function to function as a value of half a
// kilobyte, which makes the stack of each phone's goroutine four times as large
// for good, and copy it three times. Whatever is in any way different goes the
// long way, through mochi, and is treated the same: both end in [Server.take].
//
// Only older versions of MQTT travel this way: they have no properties, no
// reasons and no limit of what may be unanswered.

// What the first byte of such a packet may be: QoS 1, perhaps sent again, and
// perhaps retained, which means nothing here.
const (
	publishQoS1     = 0x32
	publishFlagsAny = 0x09 // DUP and RETAIN
)

// express takes from the beginning of b the packets that it may, and returns
// how many bytes these were. b begins with a packet, and mochi has handled all
// before. An error ends the connection.
func (c *conn) express(b []byte) (int, error) {
	if c.session == nil || !c.session.express {
		return 0, nil
	}
	taken := 0
	for {
		id, payload, length := c.session.expressPublish(b[taken:])
		if length == 0 || c.session.client.State.Inflight.Len() > 0 { // mochi may have begun something with the same id
			return taken, nil
		}
		taken += length
		if err := c.takeExpress(id, bytes.Clone(payload)); err != nil {
			return taken, err
		}
	}
}

// expressPublish reads the packet that b begins with. Its length is 0 if it is
// not a whole one, or none that may travel this way [MQTT-3.3].
func (s *session) expressPublish(b []byte) (id uint16, payload []byte, length int) {
	if len(b) < 2 || b[0]&^publishFlagsAny != publishQoS1 {
		return 0, nil, 0
	}
	remaining, head := int(b[1]), 2
	if remaining >= 0x80 { // a second byte, and no more: what is longer does not fit into a read
		if len(b) < 3 || b[2] >= 0x80 || b[2] == 0 {
			return 0, nil, 0
		}
		remaining, head = remaining&0x7f|int(b[2])<<7, 3
	}
	body := b[head:]
	if len(body) < remaining {
		return 0, nil, 0
	}
	body = body[:remaining]
	topic := len(s.topic)
	if remaining < 2+topic+2 || int(binary.BigEndian.Uint16(body)) != topic || string(body[2:2+topic]) != s.topic {
		return 0, nil, 0
	}
	if id = binary.BigEndian.Uint16(body[2+topic:]); id == 0 { // forbidden: mochi knows the answer
		return 0, nil, 0
	}
	return id, body[2+topic+2:], head + remaining
}

// takeExpress does with one publish what mochi and the hook would do.
func (c *conn) takeExpress(id uint16, payload []byte) error {
	session, s := c.session, c.session.server
	if session.client.Closed() {
		return net.ErrClosed
	}
	c.seen++
	c.guard.packets++
	if keepalive := session.client.State.Keepalive; keepalive > 0 {
		_ = c.SetReadDeadline(time.Now().Add(time.Duration(keepalive) * time.Second * 3 / 2)) // [MQTT-3.1.2-22]; Read tells if it fails
	}
	p := publication{topic: session.topic, payload: payload, qos: 1}
	if _, err := s.take(session, p); err != nil {
		return err
	}
	puback := [4]byte{packets.Puback << 4, 2}
	binary.BigEndian.PutUint16(puback[2:], id)
	if _, err := c.Write(puback[:]); err != nil {
		return err
	}
	s.pass(session, p)
	return nil
}
