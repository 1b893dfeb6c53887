package brokertest

import "encoding/binary"

// Packets returns one of each kind that a client may send, by name; CONNECT
// with a password.
func Packets(version byte, password string) map[string][]byte {
	c := &Client{Version: version}
	props := func(b ...byte) []byte {
		if version < 5 {
			return b
		}
		return append([]byte{b[0], b[1], 0}, b[2:]...)
	}
	return map[string][]byte{
		"CONNECT":     Login{Version: version, ClientID: "m", Username: "u", Password: password, WillTopic: "fc/acme/e1"}.Encode(),
		"PUBLISH":     c.PublishPacket("fc/acme/e1", []byte("{}"), 1, 1, 0),
		"PUBLISH 2":   c.PublishPacket("fc/acme/e1", []byte("{}"), 2, 2, 0),
		"PUBACK":      Frame(Puback, []byte{0, 1}),
		"PUBREC":      Frame(Pubrec, []byte{0, 1}),
		"PUBREL":      Frame(Pubrel|2, []byte{0, 1}),
		"PUBCOMP":     Frame(Pubcomp, []byte{0, 1}),
		"SUBSCRIBE":   Frame(Subscribe|2, append(props(0, 1), 0, 4, 'f', 'c', '/', '#', 1)),
		"UNSUBSCRIBE": Frame(Unsubscribe|2, append(props(0, 1), 0, 4, 'f', 'c', '/', '#')),
		"PINGREQ":     {Pingreq, 0},
		"DISCONNECT":  {Disconnect, 0},
		"AUTH":        Frame(0xf0, []byte{0x18, 0}),
	}
}

// Mangle returns the packet cut at every byte, with its length made to fit as
// well, and with each bit of its first 16 bytes flipped.
func Mangle(packet []byte) [][]byte {
	var out [][]byte
	_, n := binary.Uvarint(packet[1:])
	body := packet[1+n:]
	for i := range packet {
		out = append(out, packet[:i])
	}
	for i := range body {
		out = append(out, Frame(packet[0], body[:i]))
	}
	for bit := range 8 * min(16, len(packet)) {
		flipped := append([]byte{}, packet...)
		flipped[bit/8] ^= 1 << (bit % 8)
		out = append(out, flipped)
	}
	return out
}
