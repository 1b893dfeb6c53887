package brokertest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// Packet types, as the first byte of a packet without its flags.
const (
	Connect     = 0x10
	Connack     = 0x20
	Publish     = 0x30
	Puback      = 0x40
	Pubrec      = 0x50
	Pubrel      = 0x60
	Pubcomp     = 0x70
	Subscribe   = 0x80
	Suback      = 0x90
	Unsubscribe = 0xa0
	Unsuback    = 0xb0
	Pingreq     = 0xc0
	Pingresp    = 0xd0
	Disconnect  = 0xe0
)

// Client speaks raw MQTT.
type Client struct {
	TB      testing.TB
	Conn    net.Conn
	Version byte // 3, 4 or 5
	in      *bufio.Reader
}

// Packet is what has come in.
type Packet struct {
	Type  byte // without flags
	Flags byte
	Body  []byte
}

// Login is a CONNECT packet in parts.
type Login struct {
	Version    byte // 4 if 0
	ClientID   string
	Username   string
	Password   string // none if empty
	KeepAlive  uint16
	Persistent bool
	WillTopic  string
	EmptyWill  bool   // the will has no payload
	Properties []byte // MQTT 5, without their length
}

// Dial opens a connection and sends nothing.
func Dial(tb testing.TB, addr string) *Client {
	tb.Helper()
	c, err := new(net.Dialer).DialContext(tb.Context(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return NewClient(tb, c)
}

// NewClient speaks MQTT 3.1.1 on any connection.
func NewClient(tb testing.TB, c net.Conn) *Client {
	return &Client{TB: tb, Conn: c, Version: 4, in: bufio.NewReader(c)}
}

// Connect logs in on a new connection and expects success.
func (b *Broker) Connect(l Login) *Client {
	b.TB.Helper()
	c := Dial(b.TB, b.Addr)
	if code := c.Login(l); code != 0 {
		b.TB.Fatalf("CONNECT of %s: refused with 0x%02x", l.Password, code)
	}
	return c
}

// Phone logs in the phone of an employee.
func (b *Broker) Phone(company, employee string) *Client {
	b.TB.Helper()
	return b.Connect(Login{ClientID: employee, Username: employee + "@" + company, Password: "device:" + company + ":" + employee})
}

// As logs in somebody of a role.
func (b *Broker) As(role, company string) *Client {
	b.TB.Helper()
	return b.Connect(Login{ClientID: "c-" + role, Username: "x", Password: role + ":" + company + ":" + role})
}

// Login sends CONNECT and returns the code of CONNACK, or 0xff if the
// connection was closed without one.
func (c *Client) Login(l Login) byte {
	c.TB.Helper()
	c.Send(l.Encode())
	if l.Version != 0 {
		c.Version = l.Version
	}
	p, err := c.Next(5 * time.Second)
	if err != nil {
		return 0xff
	}
	if p.Type != Connack || len(p.Body) < 2 {
		c.TB.Fatalf("the answer to CONNECT is %+v", p)
	}
	return p.Body[1]
}

// Encode builds the CONNECT packet.
func (l Login) Encode() []byte {
	version, name := l.Version, "MQTT"
	if version == 0 {
		version = 4
	}
	if version == 3 {
		name = "MQIsdp"
	}
	var flags byte
	if !l.Persistent {
		flags |= 0x02
	}
	body := append(text(name), version, 0)
	body = binary.BigEndian.AppendUint16(body, l.KeepAlive)
	if version == 5 {
		body = append(append(body, byte(len(l.Properties))), l.Properties...)
	}
	body = append(body, text(l.ClientID)...)
	if l.WillTopic != "" {
		flags |= 0x04
		if version == 5 {
			body = append(body, 0)
		}
		will := `{"_type":"lwt"}`
		if l.EmptyWill {
			will = ""
		}
		body = append(append(body, text(l.WillTopic)...), text(will)...)
	}
	if l.Username != "" {
		flags |= 0x80
		body = append(body, text(l.Username)...)
	}
	if l.Password != "" {
		flags |= 0x40
		body = append(body, text(l.Password)...)
	}
	body[len(text(name))+1] = flags
	return Frame(Connect, body)
}

// Frame puts the fixed header before a body.
func Frame(first byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{first}, uint64(len(body))), body...)
}

func text(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

// PublishPacket encodes a PUBLISH for MQTT 3, or 5 without properties.
func (c *Client) PublishPacket(topic string, payload []byte, qos byte, id uint16, flags byte) []byte {
	body := text(topic)
	if qos > 0 {
		body = binary.BigEndian.AppendUint16(body, id)
	}
	if c.Version == 5 {
		body = append(body, 0)
	}
	return Frame(Publish|qos<<1|flags, append(body, payload...))
}

// Publish sends a PUBLISH and returns the packet that answers it.
func (c *Client) Publish(topic string, payload []byte, qos byte, id uint16) (Packet, error) {
	c.TB.Helper()
	c.Send(c.PublishPacket(topic, payload, qos, id, 0))
	if qos == 0 {
		return Packet{}, nil
	}
	return c.Next(5 * time.Second)
}

// Acked publishes with QoS 1 and expects a plain acknowledgement.
func (c *Client) Acked(topic, payload string, id uint16) {
	c.TB.Helper()
	p, err := c.Publish(topic, []byte(payload), 1, id)
	if err != nil || p.Type != Puback || p.Code() != 0 {
		c.TB.Fatalf("publish on %s: got %+v, %v, want PUBACK", topic, p, err)
	}
}

// Code is the reason code of a PUBACK or PUBREC; 0 if it has none.
func (p Packet) Code() byte {
	if len(p.Body) > 2 {
		return p.Body[2]
	}
	return 0
}

// Subscribe sends SUBSCRIBE for one filter and returns the code of SUBACK.
func (c *Client) Subscribe(filter string, qos byte) byte {
	c.TB.Helper()
	body := []byte{0, 9}
	if c.Version == 5 {
		body = append(body, 0)
	}
	c.Send(Frame(Subscribe|2, append(append(body, text(filter)...), qos)))
	for {
		p, err := c.Next(10 * time.Second)
		if err != nil {
			c.TB.Fatalf("SUBSCRIBE %.60s: %v", filter, err)
		}
		if p.Type == Suback {
			return p.Body[len(p.Body)-1]
		}
	}
}

// Message is a PUBLISH that has come in.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	ID      uint16
}

// Message takes a PUBLISH apart.
func (c *Client) Message(p Packet) Message {
	c.TB.Helper()
	if p.Type != Publish {
		c.TB.Fatalf("got a packet of type 0x%02x, want PUBLISH", p.Type)
	}
	m := Message{QoS: p.Flags >> 1 & 3, Retain: p.Flags&1 == 1}
	n := int(binary.BigEndian.Uint16(p.Body))
	m.Topic, p.Body = string(p.Body[2:2+n]), p.Body[2+n:]
	if m.QoS > 0 {
		m.ID, p.Body = binary.BigEndian.Uint16(p.Body), p.Body[2:]
	}
	if c.Version == 5 {
		length, read := binary.Uvarint(p.Body)
		p.Body = p.Body[read+int(length):]
	}
	m.Payload = p.Body
	return m
}

// Receive waits for a PUBLISH, acknowledges it, and returns it.
func (c *Client) Receive(within time.Duration) (Message, error) {
	p, err := c.Next(within)
	if err != nil {
		return Message{}, err
	}
	m := c.Message(p)
	if m.QoS == 1 {
		c.Send(Frame(Puback, binary.BigEndian.AppendUint16(nil, m.ID)))
	}
	return m, nil
}

// Ping expects an answer to PINGREQ, and nothing before it: what was sent
// before has been handled, and brought nothing.
func (c *Client) Ping() error {
	c.Send([]byte{Pingreq, 0})
	p, err := c.Next(5 * time.Second)
	if err == nil && p.Type != Pingresp {
		err = fmt.Errorf("got a packet of type 0x%02x before the answer to PINGREQ", p.Type)
	}
	return err
}

// Send writes raw bytes. An error shows at the next read.
func (c *Client) Send(b []byte) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Conn.Write(b)
}

// Next reads a packet.
func (c *Client) Next(within time.Duration) (Packet, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return Packet{}, err
	}
	first, err := c.in.ReadByte()
	if err != nil {
		return Packet{}, err
	}
	n, err := binary.ReadUvarint(c.in)
	if err != nil {
		return Packet{}, err
	}
	p := Packet{Type: first & 0xf0, Flags: first & 0x0f, Body: make([]byte, n)}
	_, err = io.ReadFull(c.in, p.Body)
	return p, err
}

// Closed waits until the server has closed the connection, and returns what it
// sent before.
func (c *Client) Closed(within time.Duration) []Packet {
	c.TB.Helper()
	var got []Packet
	deadline := time.Now().Add(within)
	for {
		p, err := c.Next(time.Until(deadline))
		if err == nil {
			got = append(got, p)
			continue
		}
		if e := net.Error(nil); errors.As(err, &e) && e.Timeout() {
			c.TB.Errorf("after %v the connection is still open; it sent %+v", within, got)
		}
		return got
	}
}
