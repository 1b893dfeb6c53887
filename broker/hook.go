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
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished, mqtt.OnACLCheck, mqtt.OnPacketRead,
		mqtt.OnPublish, mqtt.OnPublishDropped, mqtt.OnSubscribe, mqtt.OnUnsubscribe, mqtt.OnPacketSent, mqtt.OnClientExpired:
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

// OnACLCheck decides on filters and on deliveries.
//
// Writing is always granted here and judged in OnPublish: a refusal by mochi
// would cut off a phone of MQTT 3, which would come back with the same message
// for ever. What it asks on SUBSCRIBE has been through OnSubscribe, which
// writes a mark into filters that are refused; a filter can be told from the
// topic of a delivery by characters that no topic of ours has.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s := sessionOf(cl)
	if s == nil {
		return false
	}
	if write {
		return true
	}
	if strings.HasPrefix(topic, refusedFilter) {
		return false
	}
	if strings.ContainsAny(topic, "+#!$") {
		return true
	}
	return track.Allow(s.id, track.Receive, topic)
}

// OnPacketRead makes topics harmless that mochi would drop without an answer,
// which a phone would wait for for ever, or match at great cost. They still
// say what they were, and OnPublish refuses them.
func (h *hook) OnPacketRead(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Type == packets.Publish && (strings.HasPrefix(pk.TopicName, "$") || len(pk.TopicName) > track.MaxTopicBytes) {
		pk.TopicName = "!" + clip(pk.TopicName)
	}
	return pk, nil
}

// OnPublishDropped counts messages that mochi's queue for a client did not
// take. A message that was promised with QoS 1 must not be missing in silence:
// the client is cut off, and gets the present values when it comes back.
func (h *hook) OnPublishDropped(cl *mqtt.Client, pk packets.Packet) {
	h.server.metrics.dropped.WithLabelValues("queue_full").Inc()
	if pk.FixedHeader.Qos == 0 {
		return // a live frame: the gap shows in the next one
	}
	h.server.metrics.slow.Inc()
	cl.Stop(errSlowConsumer)
}

// OnClientExpired forgets a phone that did not come back in time.
func (h *hook) OnClientExpired(cl *mqtt.Client) { h.server.sessions.expired(cl.ID) }

// clip bounds what a stranger sent before it is kept.
func clip(s string) string { return s[:min(len(s), track.MaxTopicBytes-1)] }
