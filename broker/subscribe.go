package broker

import (
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"fieldcast/track"
)

const (
	// refusedFilter stands in place of a filter that OnACLCheck must refuse.
	refusedFilter = "!refused"
	// deadEnd is added to a topic that may be asked for, because phone apps do
	// and take a refusal as a failed connection, but is never delivered.
	deadEnd = "/!"
)

// OnSubscribe narrows each filter to what the identity may see, before mochi
// looks at its levels: a filter of 32,000 levels would cost it seconds.
func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if cl.Net.Inline {
		return pk
	}
	session := sessionOf(cl)
	filters := make(packets.Subscriptions, len(pk.Filters))
	for i, f := range pk.Filters {
		filter, ok := "", false
		if session != nil && session.maySubscribe(h.server.Limits.Subscriptions) {
			filter, ok = treeFilter(session.id, f.Filter)
		}
		if !ok {
			h.server.metrics.dropped.WithLabelValues("subscription_refused").Inc()
			f.Filter = refusedFilter
			filters[i] = f
			continue
		}
		f.Filter = filter
		f.Qos = min(f.Qos, 1)
		if session.plainQoS {
			f.Qos = 0
		}
		if f.RetainHandling != 2 && !mqtt.IsSharedFilter(filter) {
			session.wantSnapshot(filter)
		}
		filters[i] = f
	}
	pk.Filters = filters
	return pk
}

// OnUnsubscribe finds the filters under the names that OnSubscribe gave them.
func (h *hook) OnUnsubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	session := sessionOf(cl)
	if session == nil {
		return pk
	}
	filters := make(packets.Subscriptions, len(pk.Filters))
	for i, f := range pk.Filters {
		if filter, ok := treeFilter(session.id, f.Filter); ok {
			f.Filter = filter
			session.unsubscribed()
		} else {
			f.Filter = refusedFilter
		}
		filters[i] = f
	}
	pk.Filters = filters
	return pk
}

// OnPacketSent sends the last-known values after SUBACK has left.
func (h *hook) OnPacketSent(cl *mqtt.Client, pk packets.Packet, _ []byte) {
	if pk.FixedHeader.Type != packets.Suback {
		return
	}
	if session := sessionOf(cl); session != nil {
		h.server.sendSnapshots(session)
	}
}

// treeFilter is what mochi's tree holds for a filter that a client asks for.
func treeFilter(id track.Identity, filter string) (string, bool) {
	narrowed, ok := track.Narrow(id, filter)
	if !ok {
		return "", false
	}
	if !strings.ContainsAny(narrowed, "+#$") && !track.Allow(id, track.Receive, narrowed) {
		return narrowed + deadEnd, true
	}
	return narrowed, true
}

// maySubscribe counts a subscription, and reports whether it is one too many.
func (s *session) maySubscribe(most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filters >= most {
		return false
	}
	s.filters++
	return true
}

func (s *session) unsubscribed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filters = max(0, s.filters-1)
}

func (s *session) wantSnapshot(filter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snapshots = append(s.snapshots, filter)
}

// takeSnapshots returns the filters that wait for their values.
func (s *session) takeSnapshots() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	filters := s.snapshots
	s.snapshots = nil
	return filters
}
