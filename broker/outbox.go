package broker

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

// outgoing is a PUBLISH on its way to one client. The body is shared with the
// others who get it.
type outgoing struct {
	topic       string
	body        []byte
	qos         byte
	retain      bool
	identifiers []int // of the subscriptions [MQTT-3.3.4-3]
}

// cost is the memory that a message takes while it is not acknowledged: the
// body is counted with each client, though all share it, and a packet in
// mochi's map is large.
func (m *outgoing) cost() int { return len(m.topic) + len(m.body) + 1<<10 }

// outbox is what goes to one client: in order when a snapshot and the feed both
// write, and no more of QoS 1 at a time than the client takes. mochi's own
// sending stalls for good once a client's Receive Maximum has been reached.
type outbox struct {
	mu sync.Mutex

	// ahead has the topics of which a snapshot has sent a value that the feed has
	// not come to yet, and that value's sequence number.
	ahead map[string]uint64
	// written has the topics that the feed has written since the snapshot that
	// runs began; nil if none runs.
	written map[string]struct{}

	window  int            // QoS 1 messages that may be in flight
	flying  map[uint16]int // those that are: packet id to cost
	waiting []outgoing     // those that have to wait for an acknowledgement
	cost    int            // of both
	lastID  uint16
	roomy   chan struct{} // closed when few are in flight; nil if nobody waits
}

// live reports whether a message of the feed is news to the client. The caller
// holds mu.
func (o *outbox) live(topic string, seq uint64) bool {
	if o.written != nil {
		o.written[topic] = struct{}{}
	}
	sent, ok := o.ahead[topic]
	switch {
	case !ok || seq == 0:
		return true
	case seq <= sent:
		return false
	}
	delete(o.ahead, topic)
	return true
}

// overtake notes that the client has a value that the feed has yet to come to.
// The caller holds mu.
func (o *outbox) overtake(topic string, seq uint64) {
	if o.ahead == nil {
		o.ahead = map[string]uint64{}
	}
	o.ahead[topic] = max(o.ahead[topic], seq)
}

// beginSnapshot makes the outbox remember what the feed writes.
func (o *outbox) beginSnapshot() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written = map[string]struct{}{}
}

func (o *outbox) endSnapshot() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written = nil
}

// hasWritten reports whether the feed has written a topic since beginSnapshot.
// The caller holds mu.
func (o *outbox) hasWritten(topic string) bool {
	_, ok := o.written[topic]
	return ok
}

// firstID is where the packet ids of the server's messages begin. mochi keeps
// them in one map with those of the client's own, and forgets the server's
// message when the client uses its id. Clients count from 1.
const firstID = 1 << 15

// nextID returns a packet id that is not taken. There is one, because a window
// is smaller than the number of ids from firstID on. The caller holds mu.
func (o *outbox) nextID(taken func(uint16) bool) uint16 {
	for {
		o.lastID = max(o.lastID+1, firstID) // after 65,535 comes firstID
		if !taken(o.lastID) {
			return o.lastID
		}
	}
}

func (o *outbox) isFlying(id uint16) bool {
	_, ok := o.flying[id]
	return ok
}

// send writes a message to a client, or lets it wait for the acknowledgement
// of others. What is too much is not dropped in silence: the client is cut
// off, and gets the present values when it comes back. The caller holds the
// lock of the outbox.
func (s *Server) send(session *session, m outgoing) error {
	o := &session.out
	switch {
	case m.qos == 0:
		if session.client.Closed() {
			return mqtt.ErrConnectionClosed
		}
		return s.write(session, m, 0)
	case session.id.Role == track.RoleDevice:
		// Commands wait in mochi's session, which outlives this connection. What
		// is too much is sent again anyway, until the phone shows that it has it.
		if session.client.State.Inflight.Len() >= o.window {
			s.metrics.dropped.WithLabelValues("phone_queue_full").Inc()
			return nil
		}
		return s.keep(session, m)
	case o.cost+m.cost() > s.Limits.UnackedBytes:
		s.metrics.slow.Inc()
		session.client.Stop(errSlowConsumer)
		return errSlowConsumer
	}
	o.cost += m.cost()
	if len(o.waiting) > 0 || len(o.flying) >= o.window {
		o.waiting = append(o.waiting, m)
		return nil
	}
	return s.launch(session, m)
}

// launch writes a message of QoS 1 that the window has room for. The caller
// holds the lock of the outbox.
func (s *Server) launch(session *session, m outgoing) error {
	o := &session.out
	if o.flying == nil {
		o.flying = map[uint16]int{}
	}
	id := o.nextID(o.isFlying)
	o.flying[id] = m.cost()
	return s.write(session, m, id)
}

// keep writes a message to a phone, and puts it where mochi finds it when the
// phone comes back without having acknowledged it. The caller holds the lock of
// the outbox.
func (s *Server) keep(session *session, m outgoing) error {
	inflight := session.client.State.Inflight
	id := session.out.nextID(func(id uint16) bool { _, ok := inflight.Get(id); return ok })
	if inflight.Set(m.packet(id)) {
		atomic.AddInt64(&s.mqtt.Info.Inflight, 1)
	}
	return s.write(session, m, id)
}

func (m *outgoing) packet(id uint16) packets.Packet {
	return packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: m.qos, Retain: m.retain},
		TopicName:   m.topic,
		Payload:     m.body,
		Properties:  packets.Properties{SubscriptionIdentifier: m.identifiers},
		PacketID:    id,
		Created:     time.Now().Unix(), // its place in what mochi sends again
	}
}

// write hands a message to mochi's encoder, with QoS 1 if it has a packet id.
func (s *Server) write(session *session, m outgoing, id uint16) error {
	client := session.client
	err := client.WritePacket(m.packet(id))
	if !errors.Is(err, packets.ErrPacketTooLarge) {
		return err
	}
	// The client does not want packets of this size, and is treated as if it had
	// got this one [MQTT-3.1.2-25].
	s.metrics.dropped.WithLabelValues("client_packet_limit").Inc()
	if id != 0 && client.State.Inflight.Delete(id) {
		atomic.AddInt64(&s.mqtt.Info.Inflight, -1)
	}
	session.out.landed(id)
	return nil
}

// landed forgets a message that was acknowledged. The caller holds mu.
func (o *outbox) landed(id uint16) {
	o.cost -= o.flying[id]
	delete(o.flying, id)
	if o.roomy != nil && o.hasRoom() {
		close(o.roomy)
		o.roomy = nil
	}
}

// acknowledged sends what has waited for an acknowledgement. It is told of each
// PUBACK as it comes in: mochi forgets what is in flight when a client uses the
// same packet id for a message of its own, and would then tell of none.
func (s *Server) acknowledged(session *session, id uint16) {
	if session.id.Role == track.RoleDevice {
		return
	}
	o := &session.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.landed(id)
	for len(o.waiting) > 0 && len(o.flying) < o.window {
		next := o.waiting[0]
		if o.waiting = o.waiting[1:]; len(o.waiting) == 0 {
			o.waiting = nil // the memory of a burst is given back
		}
		if s.launch(session, next) != nil {
			return // the connection is ending
		}
	}
}

// atOnce is how many messages of a snapshot may be in flight.
const atOnce = 100

// hasRoom reports whether a snapshot may go on. The caller holds mu.
func (o *outbox) hasRoom() bool {
	return len(o.waiting) == 0 && len(o.flying) < min(atOnce, o.window)
}

// waitForRoom waits until few messages are in flight. It returns
// errSlowConsumer when that takes longer than patience, and nil without room
// when done is closed.
func (o *outbox) waitForRoom(done <-chan struct{}, patience time.Duration) error {
	o.mu.Lock()
	if o.hasRoom() {
		o.mu.Unlock()
		return nil
	}
	if o.roomy == nil {
		o.roomy = make(chan struct{})
	}
	roomy := o.roomy
	o.mu.Unlock()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-roomy:
		return nil
	case <-done:
		return nil
	case <-timeout.C:
		return errSlowConsumer
	}
}
