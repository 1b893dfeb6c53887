package broker

import (
	"slices"
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
	session := sessionOf(cl)
	if session == nil {
		return pk // and OnACLCheck refuses it all
	}
	room := h.server.Limits.Subscriptions - cl.State.Subscriptions.Len()
	filters := make(packets.Subscriptions, len(pk.Filters))
	var granting []string
	for i, f := range pk.Filters {
		filter, ok := treeFilter(session.id, f.Filter)
		_, there := cl.State.Subscriptions.Get(filter)
		if there = there || slices.Contains(granting, filter); ok && !there {
			ok = room > 0
			room--
		}
		if !ok {
			h.server.metrics.dropped.WithLabelValues("subscription_refused").Inc()
			f.Filter = refusedFilter
			filters[i] = f
			continue
		}
		granting = append(granting, filter)
		f.Filter = filter
		f.Qos = min(f.Qos, 1)
		if f.RetainHandling == 1 && there {
			f.RetainHandling = 2 // only a new subscription gets the present values [MQTT-3.3.1-10]
		}
		filters[i] = f
	}
	session.grant(granting)
	pk.Filters = filters
	return pk
}

// OnSubscribed notes the filters whose last-known values are owed now.
func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, reasonCodes []byte) {
	session := sessionOf(cl)
	if session == nil {
		return
	}
	session.grant(nil)
	var owed []wanted
	for i, f := range pk.Filters {
		if reasonCodes[i] > packets.CodeGrantedQos2.Code || f.RetainHandling == 2 || mqtt.IsSharedFilter(f.Filter) {
			continue
		}
		w := wanted{filter: f.Filter, qos: f.Qos}
		if f.Identifier > 0 {
			w.identifiers = []int{f.Identifier}
		}
		owed = append(owed, w)
	}
	session.owe(owed)
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
	return parentsToo(narrowed), true
}

// parentsToo returns a filter that says the same of the product's topics in
// other words: for mochi "a/+/#" does not match "a/b", against [MQTT-4.7.1-2].
// Topics have three levels or four, so "fc/acme/+/#" can be "fc/acme/#", and
// "fc/acme/+/+/#" can be "fc/acme/+/+".
func parentsToo(filter string) string {
	prefix, inner := "", filter
	if strings.HasPrefix(filter, "$") { // $share/{group}/…
		levels := strings.SplitAfterN(filter, "/", 3)
		prefix, inner = levels[0]+levels[1], levels[2]
	}
	head, found := strings.CutSuffix(inner, "/+/#")
	levels := strings.Count(head, "/") + 1
	switch {
	case found && levels == 2:
		return prefix + head + "/#"
	case found && levels == 3:
		return prefix + head + "/+"
	}
	return filter
}

// grant notes the filters that OnACLCheck is about to be asked for.
func (s *session) grant(filters []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.granting = filters
}

func (s *session) grants(filter string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.granting, filter)
}

// owe adds filters whose values are to be sent. One that waits already is not
// sent twice.
func (s *session) owe(filters []wanted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range filters {
		s.snapshots = slices.DeleteFunc(s.snapshots, func(other wanted) bool { return other.filter == w.filter })
		s.snapshots = append(s.snapshots, w)
	}
}

// beginSnapshots reports whether a goroutine is to be started for them.
func (s *session) beginSnapshots() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending || len(s.snapshots) == 0 || s.ended() {
		return false
	}
	s.sending = true
	return true
}

// nextSnapshot returns the next filter to be sent; ok is false when there is
// none, or the client has gone, and the goroutine ends.
func (s *session) nextSnapshot() (w wanted, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended() || len(s.snapshots) == 0 {
		s.snapshots, s.sending = nil, false
		return wanted{}, false
	}
	w, s.snapshots = s.snapshots[0], s.snapshots[1:]
	return w, true
}
