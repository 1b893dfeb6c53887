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
	verdict, err := s.take(session, s.publication(cl, pk))
	if err != nil {
		return pk, packets.ErrRejectPacket
	}
	if verdict.Code >= packets.ErrUnspecifiedError.Code {
		return pk, answer(session, pk, verdict)
	}
	return pk, packets.CodeSuccessIgnore // acknowledged; OnPublished passes it on
}

// publication is what a phone has sent.
type publication struct {
	topic   string
	payload []byte
	missing int // bytes that were cut from the payload, because it was too large
	qos     byte
}

func (s *Server) publication(cl *mqtt.Client, pk packets.Packet) publication {
	return publication{pk.TopicName, pk.Payload, s.cut(cl), pk.FixedHeader.Qos}
}

// take writes a publication into the journal, and returns what MQTT 5 is told
// of it. After an error there must be no acknowledgement: there is no
// connection any more either, because a phone sends again what was not
// acknowledged when it connects again, and not before.
func (s *Server) take(session *session, p publication) (packets.Code, error) {
	if !s.paced(session) {
		s.bye(session, packets.ErrMessageRateTooHigh)
		return packets.ErrMessageRateTooHigh, packets.ErrMessageRateTooHigh
	}
	s.metrics.received.Inc()
	record, verdict := s.record(session, p)
	if _, err := s.Journal.Append(s.ctx, record); err != nil {
		s.metrics.dropped.WithLabelValues("journal").Inc()
		err = fmt.Errorf("%w: %w", errNotTaken, err)
		session.client.Stop(err)
		return verdict, err
	}
	s.metrics.acked.Inc()
	return verdict, nil
}

// errNotTaken closes the connection of a phone whose message the journal does
// not take.
var errNotTaken = errors.New("the journal takes nothing")

// OnPublished passes on what a phone has sent, after the acknowledgement.
func (h *hook) OnPublished(cl *mqtt.Client, pk packets.Packet) {
	if session := sessionOf(cl); session != nil {
		h.server.pass(session, h.server.publication(cl, pk))
	}
}

// pass delivers what a phone has sent to whoever may see it: as it is, but never
// as a retained message, because the present state is the server's to tell.
func (s *Server) pass(session *session, p publication) {
	if p.missing > 0 || len(p.payload) > s.Limits.PayloadBytes || !session.mayPublish(p.topic) {
		return
	}
	s.deliver(message{topic: p.topic, qos: p.qos, encode: func() ([]byte, error) { return p.payload, nil }})
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
func (s *Server) record(session *session, p publication) (journal.Record, packets.Code) {
	size := len(p.payload) + p.missing
	r := journal.Record{
		Kind: journal.Message, Company: session.id.Company, Employee: session.id.Employee,
		Topic: p.topic, Payload: p.payload, Size: size, ReceivedAt: s.Now().UTC(),
	}
	switch {
	case !session.mayPublish(p.topic):
		r.Rejected = string(track.ReasonBadTopic)
		r.Topic = strings.ToValidUTF8(clip(p.topic), "\ufffd")
		r.Payload = r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
		return r, packets.ErrNotAuthorized
	case size > s.Limits.PayloadBytes || p.missing > 0:
		r.Rejected = string(track.ReasonTooLarge)
		r.Payload = r.Payload[:min(len(r.Payload), track.MaxRejectedPayload)]
		return r, packets.Code{Code: payloadInvalid, Reason: "payload is too large"}
	case session.version == 5:
		topic, _ := track.ParseTopic(p.topic) // it may be published, so it is one
		if err := s.Inspect(topic.Leaf, p.payload); err != nil {
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
