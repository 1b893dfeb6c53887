package broker

import (
	"encoding/json"
	"time"

	"fieldcast/feed"
	"fieldcast/track"
)

// changesWaiting is how many changes may wait while others are published: some
// seconds of a hundred thousand phones. What does not fit is counted by the
// feed, and repaired by the next change of the same person.
const changesWaiting = 1 << 15

// publishChanges passes on what the feed says, until the subscription is
// closed. Nothing is encoded that nobody has subscribed to.
func (s *Server) publishChanges() {
	for e := range s.changes.Events() {
		topic := track.Topic{Company: e.Company, Employee: e.Employee}
		switch {
		case e.Frame != nil:
			topic.Employee, topic.Leaf = "", track.LeafLive
			s.publish(topic, e.Frame, 0)
		case e.Position != nil:
			topic.Leaf = track.LeafLast
			s.publish(topic, e.Position, 1)
		case e.Presence != nil:
			topic.Leaf = track.LeafPresence
			s.publish(topic, e.Presence, 1)
			s.publish(track.Topic{Company: e.Company, Leaf: track.LeafEvents}, presenceEvent(e), 1)
		case e.Rejection != nil:
			topic.Employee, topic.Leaf = "", track.LeafRejected
			s.publish(topic, rejectionOf(e.Rejection), 1)
		}
	}
}

// event is the JSON of the topic _events.
type event struct {
	Type     string              `json:"type"` // presence
	Company  string              `json:"company"`
	Employee string              `json:"employee"`
	Seq      uint64              `json:"seq"`
	At       time.Time           `json:"at"`
	State    track.PresenceState `json:"state"`
}

func presenceEvent(e feed.Event) event {
	return event{
		Type: "presence", Company: e.Company, Employee: e.Employee, Seq: e.Seq, At: e.Presence.Since, State: e.Presence.State,
	}
}

// rejection is the JSON of the topic _rejected: what was wrong, without the
// payload, which may be large and is for REST to show.
type rejection struct {
	Employee   string       `json:"employee"`
	Topic      string       `json:"topic"`
	Reason     track.Reason `json:"reason"`
	Detail     string       `json:"detail"`
	Size       int          `json:"size"`
	ReceivedAt time.Time    `json:"received_at"`
	Seq        uint64       `json:"seq"`
}

func rejectionOf(r *track.Rejection) rejection {
	return rejection{r.Employee, r.Topic, r.Reason, r.Detail, r.Size, r.ReceivedAt, r.Seq}
}

func (s *Server) publish(t track.Topic, value any, qos byte) {
	topic := t.String()
	if !s.wanted(topic) {
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		s.metrics.dropped.WithLabelValues("marshal").Inc()
		s.Logger.Error("cannot encode a change", "topic", topic, "error", err)
		return
	}
	if err := s.mqtt.Publish(topic, body, false, qos); err != nil {
		s.metrics.dropped.WithLabelValues("publish").Inc()
	}
}

// wanted reports whether anybody has subscribed to a topic.
func (s *Server) wanted(topic string) bool {
	subscribers := s.mqtt.Topics.Subscribers(topic)
	return len(subscribers.Subscriptions) > 0 || len(subscribers.Shared) > 0
}
