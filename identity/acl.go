package identity

import (
	"encoding/json"
	"errors"
	"strings"

	"fieldcast/track"
)

// maxRules bounds an access list: each delivery goes through it.
const maxRules = 64

// aclRule is a line of the list that EMQX 5.5 and newer read.
type aclRule struct {
	permission, action, topic string

	// conditional: the rule holds sometimes only, such as for one QoS or for
	// some addresses.
	conditional bool
}

// UnmarshalJSON wants every line to say what, when and where, in EMQX's words,
// as EMQX does. Whatever else is there is a condition: also one that EMQX may
// learn later.
func (r *aclRule) UnmarshalJSON(b []byte) error {
	all, err := members(b)
	if err != nil {
		return err
	}
	for name, value := range all {
		switch name {
		case "permission":
			err = errors.Join(err, json.Unmarshal(value, &r.permission))
		case "action":
			err = errors.Join(err, json.Unmarshal(value, &r.action))
		case "topic":
			err = errors.Join(err, json.Unmarshal(value, &r.topic))
		case "retain": // is about publishing
		default:
			r.conditional = r.conditional || string(value) != "null"
		}
	}
	switch {
	case err != nil:
		return err
	case r.permission != "allow" && r.permission != "deny",
		r.action != "publish" && r.action != "subscribe" && r.action != "all",
		r.topic == "":
		return ErrBadClaims
	}
	return nil
}

// readACL reads the claim acl in both shapes that EMQX documents: a list of
// rules, and lists of topics to publish, subscribe or both (docs.emqx.com,
// Access Control List). Rules for publishing mean nothing here: programs
// publish nothing.
//
// What cannot be decided here is decided against the token: a rule that allows
// under a condition, or for a client id or user name, which anybody may choose,
// is left out, and one that denies holds always. What is beyond the company is
// cut off. ErrBadClaims: it is neither shape, or too long, or a line cannot be
// read, which might be one that denies, or nothing is left.
func readACL(raw json.RawMessage, company string) ([]track.Rule, error) {
	list, err := aclRules(raw)
	if err != nil || len(list) > maxRules {
		return nil, ErrBadClaims
	}
	var rules []track.Rule
	allows := false
	for _, r := range list {
		if r.action == "publish" {
			continue
		}
		deny := r.permission == "deny"
		filter, fixed := plainFilter(r.topic)
		if !deny && (!fixed || r.conditional) {
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
		list = append(list, aclRule{permission: "allow", action: "subscribe", topic: topic})
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
