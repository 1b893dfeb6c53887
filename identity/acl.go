package identity

import (
	"encoding/json"
	"strings"

	"fieldcast/track"
)

// maxRules bounds an access list: each delivery goes through it.
const maxRules = 64

// aclRule is a line of the list that EMQX 5.5 and newer read.
type aclRule struct {
	Permission string `json:"permission"`
	Action     string `json:"action"`
	Topic      string `json:"topic"`

	// Conditions. None is looked at: see conditional.
	QoS        json.RawMessage `json:"qos"`
	ClientIDRe json.RawMessage `json:"clientid_re"`
	UsernameRe json.RawMessage `json:"username_re"`
	IPAddr     json.RawMessage `json:"ipaddr"`
	Zone       json.RawMessage `json:"zone"`
	ZoneRe     json.RawMessage `json:"zone_re"`
	Listener   json.RawMessage `json:"listener"`
	ListenerRe json.RawMessage `json:"listener_re"`
}

// conditional reports whether the rule holds sometimes only.
func (r *aclRule) conditional() bool {
	for _, c := range []json.RawMessage{r.QoS, r.ClientIDRe, r.UsernameRe, r.IPAddr, r.Zone, r.ZoneRe, r.Listener, r.ListenerRe} {
		if len(c) > 0 && string(c) != "null" {
			return true
		}
	}
	return false
}

// readACL reads the claim acl in both shapes that EMQX documents: a list of
// rules, and lists of topics to publish, subscribe or both (docs.emqx.com,
// Access Control List). Rules for publishing mean nothing here: programs
// publish nothing.
//
// What cannot be decided here is decided against the token: a rule that allows
// under a condition, or for a client id or user name, which anybody may choose,
// is left out, and one that denies holds always. What is beyond the company is
// cut off. ErrBadClaims: it is neither shape, or too long, or nothing is left.
func readACL(raw json.RawMessage, company string) ([]track.Rule, error) {
	list, err := aclRules(raw)
	if err != nil || len(list) > maxRules {
		return nil, ErrBadClaims
	}
	var rules []track.Rule
	allows := false
	for _, r := range list {
		if r.Action != "subscribe" && r.Action != "all" {
			continue
		}
		deny := r.Permission == "deny"
		filter, fixed := plainFilter(r.Topic)
		if !deny && (r.Permission != "allow" || !fixed || r.conditional()) {
			continue
		}
		// A manager's filters are those of the company.
		filter, ok := track.Narrow(track.Identity{Role: track.RoleManager, Company: company}, filter)
		if !ok || strings.HasPrefix(filter, "$") {
			continue
		}
		rules = append(rules, track.Rule{Filter: filter, Deny: deny})
		allows = allows || !deny
	}
	if !allows {
		return nil, ErrBadClaims
	}
	return rules, nil
}

// aclRules brings both shapes into one.
func aclRules(raw json.RawMessage) ([]aclRule, error) {
	var list []aclRule
	if err := json.Unmarshal(raw, &list); err == nil {
		return list, nil
	}
	var lists struct{ Pub, Sub, All []string }
	if err := json.Unmarshal(raw, &lists); err != nil {
		return nil, err
	}
	for _, topic := range append(lists.Sub, lists.All...) {
		list = append(list, aclRule{Permission: "allow", Action: "subscribe", Topic: topic})
	}
	return list, nil
}

// plainFilter removes what EMQX may write around a filter: "eq " in front of
// one that is meant literally, and placeholders, which become wildcards. Fixed
// reports whether there were none.
func plainFilter(topic string) (filter string, fixed bool) {
	topic = strings.TrimPrefix(topic, "eq ")
	levels := strings.Split(topic, "/")
	fixed = true
	for i, level := range levels {
		if strings.Contains(level, "${") || level == "%c" || level == "%u" {
			levels[i], fixed = "+", false
		}
	}
	return strings.Join(levels, "/"), fixed
}
