package broker

import (
	"bytes"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

const ownTopic = "fc/acme/e1"

// frame is a PUBLISH with a body that is not looked at.
func frame(first byte, body string) []byte {
	b := []byte{first}
	n := len(body)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), body...)
}

// Only whole packets of the one kind are taken; whatever differs is left to mochi.
func TestExpressPublish(t *testing.T) {
	const body = "\x00\x0afc/acme/e1\x00\x07{}"
	long := "\x00\x0afc/acme/e1\x00\x07" + string(bytes.Repeat([]byte("x"), 300))
	for _, tt := range []struct {
		name  string
		bytes []byte
		taken bool
	}{
		{"a fix", frame(0x32, body), true},
		{"sent again", frame(0x3a, body), true},
		{"retained", frame(0x33, body), true},
		{"sent again and retained", frame(0x3b, body), true},
		{"with a length of two bytes", frame(0x32, long), true},
		{"without a payload", frame(0x32, body[:14]), true},
		{"with another behind it", append(frame(0x32, body), 0x32), true},
		{"QoS 0", frame(0x30, body), false},
		{"QoS 2", frame(0x34, body), false},
		{"QoS 3", frame(0x36, body), false},
		{"another packet", frame(0x82, body), false},
		{"packet id 0", frame(0x32, "\x00\x0afc/acme/e1\x00\x00{}"), false},
		{"a colleague's topic", frame(0x32, "\x00\x0afc/acme/e2\x00\x07{}"), false},
		{"a longer topic", frame(0x32, "\x00\x0ffc/acme/e1/event\x00\x07{}"), false},
		{"a shorter topic", frame(0x32, "\x00\x09fc/acme/e\x00\x07{}"), false},
		{"a topic longer than the packet", frame(0x32, "\x00\x0afc/ac"), false},
		{"no packet id", frame(0x32, body[:12]), false},
		{"half a packet id", frame(0x32, body[:13]), false},
		{"not the whole packet", frame(0x32, long)[:200], false},
		{"a length that is not minimal", []byte("\x32\x90\x00" + body), false},
		{"a length of three bytes", []byte("\x32\x90\x80\x00" + body), false},
		{"half a length", []byte{0x32, 0x90}, false},
		{"one byte", []byte{0x32}, false},
		{"nothing", nil, false},
	} {
		s := &session{topic: ownTopic}
		if _, _, n := s.expressPublish(tt.bytes); (n > 0) != tt.taken {
			t.Errorf("%s: %d bytes were taken", tt.name, n)
		}
	}
}

// What is taken is what mochi would have read.
func FuzzExpressPublish(f *testing.F) {
	f.Add([]byte("\x32\x10\x00\x0afc/acme/e1\x00\x07{}"))
	f.Add([]byte("\x3b\x90\x01\x00\x0afc/acme/e1\x00\x07{}"))
	f.Add([]byte("\x32\x0e\x00\x0afc/acme/e1\x01\x00\x32\x0e"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, payload, n := (&session{topic: ownTopic}).expressPublish(b)
		if n == 0 {
			return
		}
		var header packets.FixedHeader
		if err := header.Decode(b[0]); err != nil {
			t.Fatalf("mochi does not read the header: %v", err)
		}
		in := bytes.NewBuffer(b[1:])
		remaining, width, err := packets.DecodeLength(in)
		if err != nil || 1+width+remaining != n {
			t.Fatalf("taken: %d bytes; the packet has %d, %v", n, 1+width+remaining, err)
		}
		header.Remaining = remaining
		pk := packets.Packet{FixedHeader: header, ProtocolVersion: 4}
		if err := pk.PublishDecode(in.Bytes()[:remaining]); err != nil {
			t.Fatalf("mochi does not read it: %v", err)
		}
		if code := pk.PublishValidate(0); code != packets.CodeSuccess {
			t.Fatalf("mochi refuses it: %v", code)
		}
		if pk.TopicName != ownTopic || pk.PacketID != id || !bytes.Equal(pk.Payload, payload) || pk.FixedHeader.Qos != 1 {
			t.Errorf("got %d %q, mochi read %+v", id, payload, pk)
		}
	})
}
