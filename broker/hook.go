package broker

import (
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

// hook is all that mochi asks. There is exactly one: mochi takes the first
// "yes" of several.
type hook struct {
	mqtt.HookBase
	server *Server
}

// ID names the hook.
func (*hook) ID() string { return "fieldcast" }

// Provides lists what the hook wants to be asked.
func (*hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnACLCheck,
		mqtt.OnPacketRead, mqtt.OnPacketEncode, mqtt.OnPacketSent, mqtt.OnPublish, mqtt.OnPublished,
		mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnUnsubscribe, mqtt.OnClientExpired:
		return true
	}
	return false
}

// sessionOf returns who a client of mochi is; nil before it has logged in.
func sessionOf(cl *mqtt.Client) *session {
	if c, ok := cl.Net.Conn.(*conn); ok {
		return c.session
	}
	return nil
}

// OnACLCheck decides on filters: those that OnSubscribe has just narrowed. What
// mochi would deliver by itself (only $SYS is left) nobody may read; see
// [Server.deliver] for what is delivered.
//
// Writing is always granted here and judged in OnPublish: a refusal by mochi
// would cut off a phone of MQTT 3, which would come back with the same message
// for ever.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s := sessionOf(cl)
	return s != nil && (write || s.grants(topic))
}

// OnPacketRead makes topics harmless that mochi would drop without an answer,
// which a phone would wait for for ever, or match at great cost. They still
// say what they were, and OnPublish refuses them.
//
// It also gives an empty will a byte: mochi refuses the login otherwise, though
// a will may be empty [MQTT-5: 3.1.3.4]. The will is not published anyway.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if c, ok := cl.Net.Conn.(*conn); ok {
		c.seen++
		c.cut = c.guard.cutFrom(c.seen)
	}
	if session := sessionOf(cl); session != nil && pk.FixedHeader.Type == packets.Puback {
		h.server.acknowledged(session, pk.PacketID)
	}
	if pk.FixedHeader.Type == packets.Publish && (strings.HasPrefix(pk.TopicName, "$") || len(pk.TopicName) > track.MaxTopicBytes) {
		pk.TopicName = "!" + clip(pk.TopicName)
	}
	if pk.FixedHeader.Type == packets.Connect && pk.Connect.WillFlag && len(pk.Connect.WillPayload) == 0 {
		pk.Connect.WillPayload = []byte{0}
	}
	return pk, nil
}

// OnClientExpired forgets a phone that did not come back in time, and its
// subscriptions, which mochi leaves in its tree.
func (h *hook) OnClientExpired(cl *mqtt.Client) {
	cl.ClearInflights()
	h.server.mqtt.UnsubscribeClient(cl)
	h.server.sessions.expired(cl.ID)
}

// clip bounds what a stranger sent before it is kept.
func clip(s string) string { return s[:min(len(s), track.MaxTopicBytes-1)] }
