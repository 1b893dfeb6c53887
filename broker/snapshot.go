package broker

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"fieldcast/track"
)

// acksWithin is how long a client may acknowledge nothing while a snapshot
// waits for it.
const acksWithin = time.Minute

// wanted is a filter whose last-known values a client is owed, with the QoS
// that it was granted.
type wanted struct {
	filter      string
	qos         byte
	identifiers []int
}

// sendSnapshots sends the last-known positions and presences that new filters
// match, as if they were retained messages. mochi's own retained messages go
// through its queue, and what does not fit is gone; these are written at the
// pace of the reader, each as it is at that moment, and none is left out. A
// client has one goroutine for it, however often it subscribes.
func (s *Server) sendSnapshots(session *session) {
	if session.id.Role == track.RoleDevice || !session.beginSnapshots() {
		return
	}
	session.work.Go(func() {
		for {
			w, ok := session.nextSnapshot()
			if !ok {
				return
			}
			for _, company := range companiesOf(session.id, w.filter) {
				if !s.sendSnapshot(session, company, w) {
					break // the client has gone
				}
			}
		}
	})
}

// companiesOf lists the companies that a filter reaches: the own one, or for
// an operator the one that is named.
func companiesOf(id track.Identity, filter string) []string {
	if id.Company != "" {
		return []string{id.Company}
	}
	_, rest, _ := strings.Cut(filter, "/")
	if company, _, _ := strings.Cut(rest, "/"); track.CheckCompany(company) == nil {
		return []string{company}
	}
	return nil
}

// sendSnapshot sends what a filter matches. It reports false when the client
// has gone.
func (s *Server) sendSnapshot(session *session, company string, w wanted) bool {
	session.out.beginSnapshot()
	defer session.out.endSnapshot()
	topics := func(leaf string, employees []string) []string {
		var matched []string
		for _, employee := range employees {
			topic := track.Topic{Company: company, Employee: employee, Leaf: leaf}.String()
			if track.Match(w.filter, topic) && track.Allow(session.id, track.Receive, topic) {
				matched = append(matched, employee)
			}
		}
		return matched
	}
	// Of ten thousand people only the names are kept while a slow reader takes
	// its time, and what they are at is looked up when it is their turn.
	for _, employee := range topics(track.LeafLast, s.located(company)) {
		if !s.sendRetained(session, w, track.Topic{Company: company, Employee: employee, Leaf: track.LeafLast}, s.lastOf) {
			return false
		}
	}
	presence := s.People.Presence(company)
	for _, employee := range topics(track.LeafPresence, keys(presence)) {
		now := func(t track.Topic) (any, uint64, bool) { return s.presenceOf(t, presence) }
		if !s.sendRetained(session, w, track.Topic{Company: company, Employee: employee, Leaf: track.LeafPresence}, now) {
			return false
		}
	}
	return true
}

// located lists the people who have a position.
func (s *Server) located(company string) []string {
	positions := s.People.Positions(company)
	employees := make([]string, len(positions))
	for i := range positions {
		employees[i] = strings.Clone(positions[i].Employee)
	}
	return employees
}

func keys(presence map[string]track.Presence) []string {
	employees := make([]string, 0, len(presence))
	for employee := range presence {
		employees = append(employees, employee)
	}
	slices.Sort(employees)
	return employees
}

// lastOf returns a person's position at this moment, and the sequence number
// of its latest change.
func (s *Server) lastOf(t track.Topic) (value any, seq uint64, ok bool) {
	p, ok := s.People.Position(t.Company, t.Employee)
	return p, p.Changed, ok
}

// presenceOf is the same for presence. Of a person without a fix the table
// tells no moment: the value is from when the snapshot began, and its sequence
// number 0.
func (s *Server) presenceOf(t track.Topic, before map[string]track.Presence) (value any, seq uint64, ok bool) {
	if p, ok := s.People.Position(t.Company, t.Employee); ok && p.Presence != "" {
		return track.Presence{State: p.Presence, Since: p.PresenceSince.Value}, p.Changed, true
	}
	presence, ok := before[t.Employee]
	return presence, 0, ok
}

// sendRetained waits for room, and then writes the value of the moment with the
// retain flag [MQTT-3.3.1-8].
func (s *Server) sendRetained(session *session, w wanted, t track.Topic, now func(track.Topic) (any, uint64, bool)) bool {
	if !s.waitForReader(session, w.qos) {
		return false
	}
	topic, out := t.String(), &session.out
	out.mu.Lock()
	defer out.mu.Unlock()
	value, seq, ok := now(t)
	if !ok || (seq == 0 && out.hasWritten(topic)) {
		return true // gone, or the feed has said something newer
	}
	body, err := json.Marshal(value)
	if err != nil {
		s.metrics.dropped.WithLabelValues("encode").Inc()
		s.Logger.Error("cannot encode a last-known value", "topic", topic, "error", err)
		return true
	}
	if seq > s.published.Load() {
		out.overtake(topic, seq)
	}
	return s.send(session, outgoing{topic: topic, body: body, qos: w.qos, retain: true, identifiers: w.identifiers}) == nil
}

// waitForReader waits until a client has taken most of what was written to it.
// It reports false when the client has gone, or takes nothing.
func (s *Server) waitForReader(session *session, qos byte) bool {
	c, ok := session.client.Net.Conn.(*conn)
	if !ok || !c.hasRoom(session.done) {
		return false
	}
	if qos == 0 {
		return true
	}
	if err := session.out.waitForRoom(session.done, acksWithin); err != nil {
		s.metrics.slow.Inc()
		session.client.Stop(err)
		return false
	}
	return !session.ended()
}
