package broker

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

// message is something to be delivered to whoever has subscribed to its topic.
type message struct {
	topic  string
	qos    byte // at most
	seq    uint64
	encode func() ([]byte, error) // called once, if somebody wants it
}

// deliver writes a message to its subscribers, here and now: writing does not
// block. mochi would put it into a queue for each client, which costs memory
// whether it is used or not, drops what does not fit, QoS 1 included, and knows
// no order between what is queued and a snapshot.
func (s *Server) deliver(m message) {
	found := s.mqtt.Topics.Subscribers(m.topic)
	var body []byte
	encoded := false
	for _, to := range s.receivers(found, m.topic) {
		if !encoded {
			encoded = true
			var err error
			if body, err = m.encode(); err != nil {
				s.metrics.dropped.WithLabelValues("encode").Inc()
				s.Logger.Error("cannot encode a message", "topic", m.topic, "error", err)
				return
			}
		}
		s.deliverTo(to, m, body)
	}
}

// receiver is a session that gets a message, and how.
type receiver struct {
	session     *session
	qos         byte
	identifiers []int
}

// receivers lists who may receive a topic, each once, and one of each group
// that shares a subscription.
func (s *Server) receivers(found *mqtt.Subscribers, topic string) []receiver {
	var out []receiver
	for key, sub := range found.Subscriptions {
		if session := s.mayReceive(key, topic); session != nil {
			out = append(out, newReceiver(session, sub))
		}
	}
	for _, group := range found.Shared {
		for key, sub := range group { // in no order: that shares the load
			if session := s.mayReceive(key, topic); session != nil {
				out = append(out, newReceiver(session, sub))
				break
			}
		}
	}
	return out
}

// mayReceive returns the session of a client id, if it may receive the topic
// and can be reached now or later.
func (s *Server) mayReceive(key, topic string) *session {
	client, ok := s.mqtt.Clients.Get(key)
	if !ok {
		return nil
	}
	session := sessionOf(client)
	if session == nil || !track.Allow(session.id, track.Receive, topic) {
		return nil
	}
	if client.Closed() && !session.resumable() {
		return nil
	}
	return session
}

func newReceiver(session *session, sub packets.Subscription) receiver {
	to := receiver{session: session, qos: sub.Qos}
	for _, id := range sub.Identifiers {
		if id > 0 {
			to.identifiers = append(to.identifiers, id)
		}
	}
	if sub.Identifier > 0 && len(to.identifiers) == 0 {
		to.identifiers = []int{sub.Identifier}
	}
	return to
}

func (s *Server) deliverTo(to receiver, m message, body []byte) {
	out := &to.session.out
	out.mu.Lock()
	defer out.mu.Unlock()
	if !out.live(m.topic, m.seq) {
		return // a snapshot has sent this value, or a newer one
	}
	// An error has been counted, and the connection is ending.
	_ = s.send(to.session, outgoing{topic: m.topic, body: body, qos: min(to.qos, m.qos), identifiers: to.identifiers})
}
