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
		s.publishChange(e)
		if e.Frame == nil {
			s.published.Store(e.Seq)
		}
	}
}

func (s *Server) publishChange(e feed.Event) {
	person := track.Topic{Company: e.Company, Employee: e.Employee}
	company := track.Topic{Company: e.Company}
	switch {
	case e.Frame != nil:
		company.Leaf = track.LeafLive
		s.publish(company, e.Frame, 0, 0)
	case e.Position != nil:
		person.Leaf = track.LeafLast
		s.publish(person, e.Position, 1, e.Seq)
	case e.Presence != nil:
		person.Leaf, company.Leaf = track.LeafPresence, track.LeafEvents
		s.publish(person, e.Presence, 1, e.Seq)
		s.publish(company, presenceEvent(e), 1, 0)
	case e.Rejection != nil:
		company.Leaf = track.LeafRejected
		s.publish(company, rejectionOf(e.Rejection), 1, 0)
	}
}

// publish delivers a value as JSON. Seq is 0 for what no snapshot sends.
func (s *Server) publish(t track.Topic, value any, qos byte, seq uint64) {
	s.deliver(message{topic: t.String(), qos: qos, seq: seq, encode: func() ([]byte, error) { return json.Marshal(value) }})
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
