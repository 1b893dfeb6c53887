package broker

import (
	"errors"
	"fmt"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/journal"
	"fieldcast/track"
)

// payloadInvalid answers a payload that cannot be read [MQTT-5: 3.4.2.1].
const payloadInvalid = 0x99

// OnPublish takes what a phone sends into the journal. mochi writes PUBACK
// after it returns, so this is the one place where an acknowledgement can wait
// for the disk; it holds up this phone alone.
//
// What it must return was measured: a plain error would be acknowledged and
// delivered; packets.ErrRejectPacket is neither; packets.CodeSuccessIgnore is
// acknowledged and not delivered; a code of 0x80 or more goes to MQTT 5 as the
// reason, and is acknowledged and delivered on MQTT 3.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s, session := h.server, sessionOf(cl)
	if session == nil {
		return pk, packets.ErrRejectPacket
	}
	if session.id.Role != track.RoleDevice {
		s.metrics.dropped.WithLabelValues("not_a_phone").Inc()
		return pk, answer(session, pk, packets.ErrNotAuthorized)
	}
	if !s.paced(session) { // not acknowledged: a phone sends it again
		s.bye(session, packets.ErrMessageRateTooHigh)
		return pk, packets.ErrRejectPacket
	}
	s.metrics.received.Inc()
	record, verdict := s.record(session, pk)
	if _, err := s.Journal.Append(s.ctx, record); err != nil {
		// No acknowledgement, and no connection: a phone sends again what was not
		// acknowledged when it connects again, and not before.
		s.metrics.dropped.WithLabelValues("journal").Inc()
		cl.Stop(fmt.Errorf("%w: %w", errNotTaken, err))
		return pk, packets.ErrRejectPacket
	}
	s.metrics.acked.Inc()
	if verdict.Code >= packets.ErrUnspecifiedError.Code {
		return pk, answer(session, pk, verdict)
	}
	return pk, packets.CodeSuccessIgnore // acknowledged; OnPublished passes it on
}

// errNotTaken closes the connection of a phone whose message the journal does
// not take.
var errNotTaken = errors.New("the journal takes nothing")

// OnPublished passes on what a phone has sent, after the acknowledgement, to
// whoever may see it: as it is, but never as a retained message, because the
// present state is the server's to tell.
func (h *hook) OnPublished(cl *mqtt.Client, pk packets.Packet) {
	s, session := h.server, sessionOf(cl)
	if session == nil || s.cut(cl) > 0 || len(pk.Payload) > s.Limits.PayloadBytes || !track.Allow(session.id, track.Publish, pk.TopicName) {
		return
	}
	s.deliver(message{topic: pk.TopicName, qos: pk.FixedHeader.Qos, encode: func() ([]byte, error) { return pk.Payload, nil }})
}

// cut returns how many bytes of the packet that a client has sent are missing,
// because it was too large.
func (s *Server) cut(cl *mqtt.Client) int {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return 0
	}
	return c.cut
}

// record is what the journal keeps of a publish, and what MQTT 5 is told.
func (s *Server) record(session *session, pk packets.Packet) (journal.Record, packets.Code) {
	size := len(pk.Payload) + s.cut(session.client)
	r := journal.Record{
		Kind: journal.Message, Company: session.id.Company, Employee: session.id.Employee,
		Topic: pk.TopicName, Payload: pk.Payload, Size: size, ReceivedAt: s.Now().UTC(),
	}
	topic, err := track.ParseTopic(pk.TopicName)
	switch {
	case err != nil || !track.Allow(session.id, track.Publish, pk.TopicName):
		r.Rejected = string(track.ReasonBadTopic)
		r.Topic = strings.ToValidUTF8(clip(pk.TopicName), "\ufffd")
		r.Payload = r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
		return r, packets.ErrNotAuthorized
	case size > s.Limits.PayloadBytes || size > len(pk.Payload):
		r.Rejected = string(track.ReasonTooLarge)
		r.Payload = r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
		return r, packets.Code{Code: payloadInvalid, Reason: "payload is too large"}
	case session.version == 5:
		if err := s.Inspect(topic.Leaf, pk.Payload); err != nil {
			return r, packets.Code{Code: payloadInvalid, Reason: clip(err.Error())}
		}
	}
	return r, packets.CodeSuccess
}

// answer tells MQTT 5 the reason, and acknowledges otherwise: older phones
// would send the same for ever.
func answer(session *session, pk packets.Packet, why packets.Code) error {
	if session.version == 5 && pk.FixedHeader.Qos == 1 {
		return why
	}
	return packets.CodeSuccessIgnore // at QoS 2 mochi would send the wrong packet
}
