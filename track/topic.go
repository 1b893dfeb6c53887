package track

import "strings"

// Root is the first level of every topic.
const Root = "fc"

// MaxTopicBytes and MaxTopicLevels bound topics and filters before anything
// looks at their levels: matching deep topics costs a broker seconds.
const (
	MaxTopicBytes  = 256
	MaxTopicLevels = 8
)

// Leaves: what stands below an employee, and what the server publishes for a
// company as a whole.
const (
	LeafBase     = ""         // a location, or a batch of them
	LeafLast     = "last"     // server: last-known position
	LeafPresence = "presence" // server: connected or not
	LeafCmd      = "cmd"      // server to phone: a command
	LeafInfo     = "info"     // server to phone: a name card

	LeafLive     = "_live"     // coalesced changes
	LeafEvents   = "_events"   // geofence, alert and presence events
	LeafRejected = "_rejected" // what could not be read
)

// phoneLeaves are the sub-topics that OwnTracks apps write below their base.
var phoneLeaves = map[string]bool{
	LeafBase: true, "event": true, "waypoint": true, "waypoints": true, "status": true,
	"dump": true, "step": true, "beacon": true, "request": true,
}

// Topic is a topic of the product, taken apart: fc/{company}/{employee}[/{leaf}]
// or, with Employee empty, fc/{company}/{leaf} with a leaf that starts with '_'.
type Topic struct {
	Company  string
	Employee string
	Leaf     string
}

// ParseTopic takes a topic apart. It returns an [ErrInvalid] for anything that
// is not a topic of the product, wildcards included.
func ParseTopic(s string) (Topic, error) {
	if len(s) > MaxTopicBytes {
		return Topic{}, Invalid("topic", "%q is longer than %d bytes", clip(s), MaxTopicBytes)
	}
	root, rest, _ := strings.Cut(s, "/")
	company, rest, ok := strings.Cut(rest, "/")
	if root != Root || !ok || !isCompany(company) {
		return Topic{}, Invalid("topic", "%q does not start with fc/{company}/", clip(s))
	}
	employee, leaf, deeper := strings.Cut(rest, "/")
	switch {
	case !deeper && companyLeaf(employee):
		return Topic{Company: company, Leaf: employee}, nil
	case !isEmployee(employee):
		return Topic{}, Invalid("topic", "%q has no employee id after the company", clip(s))
	case deeper && !phoneLeaves[leaf] && !serverLeaf(leaf), deeper && leaf == "":
		return Topic{}, Invalid("topic", "%q ends in a level that is not known", clip(s))
	}
	return Topic{Company: company, Employee: employee, Leaf: leaf}, nil
}

// String builds the topic.
func (t Topic) String() string {
	s := Root + "/" + t.Company
	if t.Employee != "" {
		s += "/" + t.Employee
	}
	if t.Leaf != "" {
		s += "/" + t.Leaf
	}
	return s
}

// FromPhone reports whether phones write this topic.
func (t Topic) FromPhone() bool { return t.Employee != "" && phoneLeaves[t.Leaf] }

func companyLeaf(s string) bool {
	return s == LeafLive || s == LeafEvents || s == LeafRejected
}

func serverLeaf(s string) bool {
	return s == LeafLast || s == LeafPresence || s == LeafCmd || s == LeafInfo
}

// Match reports whether an MQTT topic filter matches a topic
// [MQTT-4.7]. It does not look into $share, and a wildcard at the first level
// does not match a topic that starts with '$' [MQTT-4.7.2-1].
func Match(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, tRest, tMore := strings.Cut(topic, "/")
		switch {
		case f != "+" && f != t:
			return false
		case !fMore && !tMore:
			return true
		case !tMore: // "a/#" matches "a" as well [MQTT-4.7.1-2]
			return fRest == "#"
		case !fMore:
			return false
		}
		filter, topic = fRest, tRest
	}
}

// Overlap reports whether some topic is matched by both filters.
func Overlap(a, b string) bool {
	for {
		x, xRest, xMore := strings.Cut(a, "/")
		y, yRest, yMore := strings.Cut(b, "/")
		if x == "#" || y == "#" {
			return true
		}
		switch {
		case x != y && x != "+" && y != "+":
			return false
		case !xMore && !yMore:
			return true
		case !xMore:
			return yRest == "#"
		case !yMore:
			return xRest == "#"
		}
		a, b = xRest, yRest
	}
}

// CheckFilter returns nil if s is a filter within the limits: at most
// [MaxTopicBytes] and [MaxTopicLevels], wildcards alone on their level, '#'
// last. It does not look into $share.
func CheckFilter(s string) error {
	if s == "" || len(s) > MaxTopicBytes || strings.Count(s, "/") >= MaxTopicLevels {
		return Invalid("filter", "%q must have 1 to %d bytes and at most %d levels", clip(s), MaxTopicBytes, MaxTopicLevels)
	}
	rest, more := s, true
	for more {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if strings.ContainsAny(level, "+#") && len(level) > 1 {
			return Invalid("filter", "%q has a wildcard beside other characters", clip(s))
		}
		if level == "#" && more {
			return Invalid("filter", "%q has levels after '#'", clip(s))
		}
	}
	return nil
}
