package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestConnectAs(t *testing.T) {
	me := login{user: "e1@acme", password: "secret"}
	const tail = "\x00\x07e1@acme\x00\x06secret"
	for _, tt := range []struct {
		name, body string
		will       bool
		want       string
	}{
		{"3.1.1", "\x00\x04MQTT\x04\x02\x00\x1e\x00\x02id", true, "\x00\x04MQTT\x04\xc2\x00\x1e\x00\x02id" + tail},
		{"5 with properties", "\x00\x04MQTT\x05\x02\x00\x1e\x03\x21\x00\x02\x00\x02id", true, "\x00\x04MQTT\x05\xc2\x00\x1e\x03\x21\x00\x02\x00\x02id" + tail},
		{"an unknown protocol", "\x00\x02hj\x04\x00\x00\x00\x00\x00", true, "\x00\x02hj\x04\xc0\x00\x00\x00\x00" + tail},
		{"a will kept", "\x00\x04MQTT\x05\x16\x00\x00\x00\x00\x00\x05\x18\x00\x00\x00\x03\x00\x01t\x00\x02by", true,
			"\x00\x04MQTT\x05\xd6\x00\x00\x00\x00\x00\x05\x18\x00\x00\x00\x03\x00\x01t\x00\x02by" + tail},
		{"a will left out", "\x00\x04MQTT\x04\x3e\x00\x00\x00\x00\x00\x01t\x00\x02by", false, "\x00\x04MQTT\x04\xc2\x00\x00\x00\x00" + tail},
		{"other credentials replaced", "\x00\x04MQTT\x04\xc2\x00\x00\x00\x00\x00\x01u\x00\x01p", true, "\x00\x04MQTT\x04\xc2\x00\x00\x00\x00" + tail},
	} {
		c, err := parseConnect(packet{connectType << 4, []byte(tt.body)})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := c.as(me, tt.will); got.first != 0x10 || string(got.body) != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.name, got.body, tt.want)
		}
	}
}

func TestShortPackets(t *testing.T) {
	connect := []byte("\x00\x04MQTT\x05\x06\x00\x1e\x03\x21\x00\x02\x00\x02id\x00\x00\x01t\x00\x01x")
	for n := range connect {
		if _, err := parseConnect(packet{connectType << 4, connect[:n]}); !errors.Is(err, errShort) {
			t.Errorf("CONNECT cut at %d: %v", n, err)
		}
	}
	if _, err := parseConnect(packet{connectType << 4, connect}); err != nil {
		t.Error(err)
	}
	head := []byte("\x00\x01t\x00\x07\x03\x23\x00\x01")
	for n := range head {
		if _, err := parsePublish(packet{publishType<<4 | 2, head[:n]}, 5); !errors.Is(err, errShort) {
			t.Errorf("PUBLISH cut at %d: %v", n, err)
		}
	}
	for _, cut := range []string{"\x30", "\x30\x80", "\x30\x03ab"} {
		if _, err := readPacket(bufio.NewReader(bytes.NewReader([]byte(cut)))); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", cut, err)
		}
	}
}

func TestPublish(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version byte
		p       packet
		topic   string
		id      uint16
		alias   uint16
	}{
		{"3.1.1, QoS 0", 4, packet{0x30, []byte("\x00\x03a/bhello")}, "a/b", 0, 0},
		{"3.1.1, QoS 1, retained", 4, packet{0x33, []byte("\x00\x03a/b\x00\x09hello")}, "a/b", 9, 0},
		{"5, QoS 2", 5, packet{0x34, []byte("\x00\x03a/b\x00\x09\x00hello")}, "a/b", 9, 0},
		{"5, an alias alone", 5, packet{0x32, []byte("\x00\x00\x00\x09\x03\x23\x00\x05hello")}, "", 9, 5},
		{"5, an alias behind others", 5, packet{0x32, []byte("\x00\x00\x00\x09\x15\x01\x01\x26\x00\x01a\x00\x01b\x03\x00\x01c\x02\x00\x00\x00\x01\x23\x00\x02hello")}, "", 9, 2},
	} {
		m, err := parsePublish(tt.p, tt.version)
		if err != nil || string(m.topic) != tt.topic || m.id != tt.id || m.alias() != tt.alias || string(m.payload) != "hello" {
			t.Errorf("%s: got %+v, alias %d, %v", tt.name, m, m.alias(), err)
		}
		if got := m.packet(tt.version); got.first != tt.p.first || !bytes.Equal(got.body, tt.p.body) {
			t.Errorf("%s: becomes %q, was %q", tt.name, got.body, tt.p.body)
		}
	}
}

func TestEnvelope(t *testing.T) {
	for _, payload := range []string{"", "qos 1", `"quoted" \ {}`, "an apostrophe's <tag> & ünïcode"} {
		wrapped := wrap([]byte(payload))
		if got := unwrap(wrapped); string(got) != payload {
			t.Errorf("%q comes back as %q", payload, got)
		}
	}
	for _, foreign := range []string{"", "{}", `{"_type":"lwt","":}`, `{"_type":"lwt","":"a","b":1}`, `{"_type":"location"}`} {
		if got := unwrap([]byte(foreign)); string(got) != foreign {
			t.Errorf("%q was changed to %q", foreign, got)
		}
	}
}
