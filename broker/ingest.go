package broker

import (
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
	if cl.Net.Inline {
		return pk, nil // the server's own
	}
	s, session := h.server, sessionOf(cl)
	if session == nil {
		return pk, packets.ErrRejectPacket
	}
	if session.id.Role != track.RoleDevice {
		s.metrics.dropped.WithLabelValues("not_a_phone").Inc()
		return pk, answer(session, pk, packets.ErrNotAuthorized)
	}
	s.metrics.received.Inc()
	record, verdict := s.record(session, pk)
	if _, err := s.Journal.Append(s.ctx, record); err != nil {
		// No acknowledgement, and no connection: a phone sends again what was not
		// acknowledged when it connects again, and not before.
		s.metrics.dropped.WithLabelValues("journal").Inc()
		cl.Stop(err)
		return pk, packets.ErrRejectPacket
	}
	s.metrics.acked.Inc()
	if verdict.Code >= packets.ErrUnspecifiedError.Code {
		return pk, answer(session, pk, verdict)
	}
	pk.FixedHeader.Retain = false // the present state is the server's to tell
	pk.Properties = packets.Properties{}
	return pk, nil
}

// record is what the journal keeps of a publish, and what MQTT 5 is told.
func (s *Server) record(session *session, pk packets.Packet) (journal.Record, packets.Code) {
	r := journal.Record{
		Kind: journal.Message, Company: session.id.Company, Employee: session.id.Employee,
		Topic: pk.TopicName, Payload: pk.Payload, Size: len(pk.Payload), ReceivedAt: s.Now().UTC(),
	}
	topic, err := track.ParseTopic(pk.TopicName)
	switch {
	case err != nil || !track.Allow(session.id, track.Publish, pk.TopicName):
		r.Rejected = string(track.ReasonBadTopic)
		r.Topic = strings.ToValidUTF8(clip(pk.TopicName), "\ufffd")
		r.Payload = r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
		return r, packets.ErrNotAuthorized
	case len(pk.Payload) > s.Limits.PayloadBytes:
		r.Rejected = string(track.ReasonTooLarge)
		r.Payload = r.Payload[:track.MaxRejectedPayload]
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
