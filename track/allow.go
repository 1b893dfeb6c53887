package track

import "strings"

// Action is something that a client wants to do with a topic or filter.
type Action uint8

// The actions.
const (
	Publish   Action = iota + 1 // send a message, or leave a will, on a topic
	Receive                     // have a message of a topic delivered
	Subscribe                   // ask for a filter, as it comes out of [Narrow]
)

// Allow is the one place that decides who may do what. What it does not grant
// is denied. It allocates nothing when it is asked about a topic, because it
// is asked on every delivery.
//
// A filter is granted if it stays inside the company and overlaps something
// that may be received; each delivery is checked again.
func Allow(id Identity, action Action, topic string) bool {
	switch action {
	case Publish:
		t, err := ParseTopic(topic)
		return err == nil && id.mayPublish(t)
	case Receive:
		t, err := ParseTopic(topic)
		return err == nil && id.mayReceive(t, topic)
	case Subscribe:
		return id.maySubscribe(topic)
	}
	return false
}

// mayPublish: phones write, below their own base. Nobody else writes anything;
// commands are written by the server.
func (id Identity) mayPublish(t Topic) bool {
	return id.Role == RoleDevice && id.Company != "" && id.Employee != "" &&
		t.FromPhone() && t.Company == id.Company && t.Employee == id.Employee
}

func (id Identity) mayReceive(t Topic, topic string) bool {
	if id.Role == RoleOperator {
		return id.Company == "" || id.Company == t.Company
	}
	if id.Company == "" || t.Company != id.Company {
		return false
	}
	switch id.Role {
	case RoleDevice:
		return id.Employee != "" && t.Employee == id.Employee && (t.Leaf == LeafCmd || t.Leaf == LeafInfo)
	case RoleViewer:
		return t.Leaf == LeafLast || t.Leaf == LeafPresence || t.Leaf == LeafLive || t.Leaf == LeafEvents
	case RoleManager, RoleAdmin:
		return t.Leaf != LeafCmd && t.Leaf != LeafInfo
	case RoleIntegrator:
		return t.Leaf != LeafCmd && t.Leaf != LeafInfo && id.listed(topic)
	case RoleOperator: // decided above
	}
	return false
}

func (id Identity) maySubscribe(filter string) bool {
	if CheckFilter(filter) != nil {
		return false
	}
	if id.Role == RoleOperator && id.Company == "" {
		return Overlap(filter, Root+"/#") && !strings.HasPrefix(filter, "$")
	}
	root, rest, _ := strings.Cut(filter, "/")
	company, _, deeper := strings.Cut(rest, "/")
	if root != Root || company != id.Company || id.Company == "" || !deeper {
		return false
	}
	for _, readable := range id.readable() {
		if Overlap(filter, readable) {
			return true
		}
	}
	return false
}

// readable lists filters that cover what the identity may receive.
func (id Identity) readable() []string {
	base := Root + "/" + id.Company + "/"
	switch id.Role {
	case RoleDevice:
		if id.Employee == "" {
			return nil
		}
		// The base itself is not delivered, but phone apps ask for it, and take
		// a refusal as a failed connection.
		return []string{base + id.Employee + "/#"}
	case RoleViewer:
		return []string{base + "+/" + LeafLast, base + "+/" + LeafPresence, base + LeafLive, base + LeafEvents}
	case RoleManager, RoleAdmin, RoleOperator:
		return []string{base + "#"}
	case RoleIntegrator:
		return id.listedFilters()
	}
	return nil
}

// Narrow replaces the wildcards of a filter that reach beyond the identity by
// its own names: for e17 of acme, "fc/+/+/cmd" becomes "fc/acme/e17/cmd", and
// for a manager of acme "#" becomes "fc/acme/#". Phone apps ask for such
// filters by themselves. Ok is false when nothing of the filter is left that
// [Allow] grants; the filter must then be refused.
//
// The prefix $share/{group}/ is kept, and the rest narrowed. The prefix counts
// in any case of letters, because brokers take it so. Phones may not share.
func Narrow(id Identity, filter string) (narrowed string, ok bool) {
	prefix, inner, ok := cutShare(filter)
	if !ok || (prefix != "" && id.Role == RoleDevice) || CheckFilter(inner) != nil {
		return "", false
	}
	if id.Company != "" {
		inner = narrow(inner, id)
	}
	if !Allow(id, Subscribe, inner) {
		return "", false
	}
	return prefix + inner, true
}

// cutShare splits "$share/{group}/" from a filter. Ok is false if the group is
// missing or has a wildcard [MQTT-4.8.2-2].
func cutShare(filter string) (prefix, inner string, ok bool) {
	const share = "$share/"
	if len(filter) < len(share) || !strings.EqualFold(filter[:len(share)], share) {
		return "", filter, true
	}
	group, inner, found := strings.Cut(filter[len(share):], "/")
	if !found || group == "" || inner == "" || strings.ContainsAny(group, "+#") {
		return "", "", false
	}
	return filter[:len(share)+len(group)+1], inner, true
}

func narrow(filter string, id Identity) string {
	own := []string{Root, id.Company}
	if id.Role == RoleDevice {
		own = append(own, id.Employee)
	}
	levels := strings.Split(filter, "/")
	for i, name := range own {
		switch {
		case i >= len(levels):
			return filter // shorter than any topic: matches nothing, refused by Allow
		case levels[i] == "+":
			levels[i] = name
		case levels[i] == "#":
			return strings.Join(append(append(levels[:i:i], own[i:]...), "#"), "/")
		}
	}
	return strings.Join(levels, "/")
}
