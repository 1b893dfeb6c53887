package broker

import (
	"encoding/json"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

// inflightAtOnce is how many values of a snapshot wait for their PUBACK.
const inflightAtOnce = 100

// sendSnapshots sends the last-known positions and presences that the new
// filters match, as if they were retained messages. mochi's own retained
// messages go through its queue, and what does not fit is gone; these are
// written at the pace of the reader, each as it is at that moment, and none is
// left out.
func (s *Server) sendSnapshots(session *session) {
	filters := session.takeSnapshots()
	if len(filters) == 0 || session.id.Role == track.RoleDevice || session.ended() {
		return
	}
	session.work.Go(func() {
		qos := session.grantedQoS()
		for _, company := range s.companiesOf(session.id, filters) {
			for _, filter := range filters {
				if !s.sendSnapshot(session, company, filter, qos[filter]) {
					return
				}
			}
		}
	})
}

// companiesOf lists the companies that filters reach: the own one, or for an
// operator those that are named.
func (s *Server) companiesOf(id track.Identity, filters []string) []string {
	if id.Company != "" {
		return []string{id.Company}
	}
	seen := map[string]bool{}
	var named []string
	for _, f := range filters {
		_, rest, _ := strings.Cut(f, "/")
		company, _, _ := strings.Cut(rest, "/")
		if track.CheckCompany(company) == nil && !seen[company] {
			seen[company] = true
			named = append(named, company)
		}
	}
	return named
}

func (s *session) grantedQoS() map[string]byte {
	qos := map[string]byte{}
	for filter, sub := range s.client.State.Subscriptions.GetAll() {
		qos[filter] = sub.Qos
	}
	return qos
}

// sendSnapshot reports false when the client has gone.
func (s *Server) sendSnapshot(session *session, company, filter string, qos byte) bool {
	wants := func(employee, leaf string) (string, bool) {
		topic := track.Topic{Company: company, Employee: employee, Leaf: leaf}.String()
		return topic, track.Match(filter, topic) && track.Allow(session.id, track.Receive, topic)
	}
	for _, p := range s.People.Positions(company) {
		topic, ok := wants(p.Employee, track.LeafLast)
		if !ok {
			continue
		}
		// As it is now, not as it was when the loop began: the newest value has
		// the last word.
		if now, there := s.People.Position(company, p.Employee); there {
			p = now
		}
		if !s.sendRetained(session, topic, p, qos) {
			return false
		}
	}
	for employee, p := range s.People.Presence(company) {
		if topic, ok := wants(employee, track.LeafPresence); ok && !s.sendRetained(session, topic, p, qos) {
			return false
		}
	}
	return true
}

// sendRetained writes one value with the retain flag [MQTT-3.3.1-8], waiting
// for room first.
func (s *Server) sendRetained(session *session, topic string, value any, qos byte) bool {
	cl := session.client
	c, ok := cl.Net.Conn.(*conn)
	if !ok || !c.hasRoom(session.done) || !waitForAcks(session, cl) {
		return false
	}
	body, err := json.Marshal(value)
	if err != nil {
		s.metrics.dropped.WithLabelValues("marshal").Inc()
		return true
	}
	pk := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos, Retain: true},
		TopicName:   topic,
		Payload:     body,
		Created:     s.Now().Unix(),
	}
	if qos > 0 {
		id, err := cl.NextPacketID()
		if err != nil {
			return false // all 65,535 are taken: the client acknowledges nothing
		}
		pk.PacketID = uint16(id)
		cl.State.Inflight.Set(pk)
	}
	return cl.WritePacket(pk) == nil
}

// waitForAcks waits until few messages are in flight. It reports false when
// the client has gone, or acknowledges nothing.
func waitForAcks(session *session, cl *mqtt.Client) bool {
	if cl.State.Inflight.Len() < inflightAtOnce {
		return true
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 12_000 { // a minute
		select {
		case <-session.done:
			return false
		case <-tick.C:
			if cl.State.Inflight.Len() < inflightAtOnce {
				return true
			}
		}
	}
	cl.Stop(errSlowConsumer)
	return false
}
