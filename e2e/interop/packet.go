package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The types of packets [MQTT-5: 2.1.2].
const (
	connectType     = 1
	connackType     = 2
	publishType     = 3
	pubackType      = 4
	pubrecType      = 5
	pubrelType      = 6
	pubcompType     = 7
	subscribeType   = 8
	subackType      = 9
	unsubscribeType = 10
	unsubackType    = 11
	pingreqType     = 12
	pingrespType    = 13
	disconnectType  = 14
)

var errShort = errors.New("a packet is shorter than it says")

// packet is a control packet; body is what follows the fixed header.
type packet struct {
	first byte
	body  []byte
}

func (p packet) kind() byte { return p.first >> 4 }

func readPacket(r *bufio.Reader) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	length, err := binary.ReadUvarint(r)
	if err != nil {
		return packet{}, err
	}
	if length > 1<<28-1 {
		return packet{}, fmt.Errorf("a packet of %d bytes", length)
	}
	p := packet{first, make([]byte, length)}
	_, err = io.ReadFull(r, p.body)
	return p, err
}

func (p packet) bytes() []byte {
	return append(binary.AppendUvarint([]byte{p.first}, uint64(len(p.body))), p.body...)
}

// id is the packet identifier that the body of an acknowledgement begins with.
func (p packet) id() uint16 {
	if len(p.body) < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(p.body)
}

// fields takes a body apart; the first error stays.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) take(n int) []byte {
	if f.err != nil || n > len(f.rest) {
		f.err = errShort
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) number() uint16 {
	b := f.take(2)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

func (f *fields) text() []byte { return f.take(int(f.number())) }

// properties returns the properties of MQTT 5 without their length.
func (f *fields) properties() []byte {
	length, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.err = errShort
		return nil
	}
	f.take(n)
	return f.take(int(length))
}

func appendText(b, text []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

func appendProperties(b, properties []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(properties))), properties...)
}

// connect is CONNECT in parts [MQTT-5: 3.1]. Its user name and password are
// not kept: others take their place.
type connect struct {
	protocol                   []byte
	version, flags             byte
	keepAlive                  uint16
	properties, clientID       []byte
	willProperties, will, last []byte // last: what the will says
}

// The flags of CONNECT.
const (
	willFlags  = 0x3c // will, its QoS and its retained flag
	willFlag   = 0x04
	loginFlags = 0xc0 // user name and password
)

func parseConnect(p packet) (c connect, err error) {
	f := fields{rest: p.body}
	c.protocol = f.text()
	if head := f.take(2); head != nil {
		c.version, c.flags = head[0], head[1]
	}
	c.keepAlive = f.number()
	if c.version == 5 {
		c.properties = f.properties()
	}
	c.clientID = f.text()
	if c.flags&willFlag != 0 {
		if c.version == 5 {
			c.willProperties = f.properties()
		}
		c.will, c.last = f.text(), f.text()
	}
	return c, f.err
}

// as is the packet with somebody's credentials, with its will or without.
func (c connect) as(l login, will bool) packet {
	flags := c.flags | loginFlags
	will = will && c.flags&willFlag != 0
	if !will {
		flags &^= willFlags
	}
	b := append(appendText(nil, c.protocol), c.version, flags)
	b = binary.BigEndian.AppendUint16(b, c.keepAlive)
	if c.version == 5 {
		b = appendProperties(b, c.properties)
	}
	b = appendText(b, c.clientID)
	if will {
		if c.version == 5 {
			b = appendProperties(b, c.willProperties)
		}
		b = appendText(appendText(b, c.will), c.last)
	}
	return packet{connectType << 4, appendText(appendText(b, []byte(l.user)), []byte(l.password))}
}

// publish is PUBLISH in parts [MQTT-5: 3.3].
type publish struct {
	first      byte
	topic      []byte
	id         uint16 // with QoS 1 and 2
	properties []byte
	payload    []byte
}

func (p publish) qos() byte { return p.first >> 1 & 3 }

func parsePublish(p packet, version byte) (m publish, err error) {
	m.first = p.first
	f := fields{rest: p.body}
	m.topic = f.text()
	if m.qos() > 0 {
		m.id = f.number()
	}
	if version == 5 {
		m.properties = f.properties()
	}
	m.payload = f.rest
	return m, f.err
}

func (m publish) packet(version byte) packet {
	b := appendText(nil, m.topic)
	if m.qos() > 0 {
		b = binary.BigEndian.AppendUint16(b, m.id)
	}
	if version == 5 {
		b = appendProperties(b, m.properties)
	}
	return packet{m.first, append(b, m.payload...)}
}

// alias returns the topic alias; 0 if there is none. What it cannot read it
// leaves to the server to judge.
func (m publish) alias() uint16 {
	for f := (fields{rest: m.properties}); len(f.rest) > 0 && f.err == nil; {
		switch f.take(1)[0] {
		case 0x23: // topic alias
			return f.number()
		case 0x01: // payload format
			f.take(1)
		case 0x02: // message expiry
			f.take(4)
		case 0x03, 0x08, 0x09: // content type, response topic, correlation data
			f.text()
		case 0x26: // user property
			f.text()
			f.text()
		default:
			return 0
		}
	}
	return 0
}

// The envelope is something that phones say and the server makes nothing of:
// it is passed on to readers as it is. It is as short as can be, because the
// suite counts the bytes of a packet.
const (
	envelopeHead = `{"_type":"lwt","":`
	envelopeTail = `}`
)

func wrap(payload []byte) []byte {
	text, err := json.Marshal(string(payload))
	if err != nil {
		return payload // a string can always be written
	}
	return append(append([]byte(envelopeHead), text...), envelopeTail...)
}

// unwrap returns what wrap was given, and anything else as it is.
func unwrap(payload []byte) []byte {
	var text string
	n := len(payload) - len(envelopeTail)
	if n < len(envelopeHead) || string(payload[:len(envelopeHead)]) != envelopeHead || json.Unmarshal(payload[len(envelopeHead):n], &text) != nil {
		return payload
	}
	return []byte(text)
}
