package track

// Rule is a line of an integrator's access list. Of the rules whose filter
// matches a topic the first decides.
type Rule struct {
	Filter string
	Deny   bool
}

// listed reports whether a token of an integrator names the topic: by one of
// its topics, or by the first of its rules that matches. What neither names is
// denied.
func (id Identity) listed(topic string) bool {
	for _, r := range id.Rules {
		if Match(r.Filter, topic) {
			return !r.Deny
		}
	}
	for _, filter := range id.Topics {
		if Match(filter, topic) {
			return true
		}
	}
	return false
}

// listedFilters covers what listed may grant.
func (id Identity) listedFilters() []string {
	if len(id.Rules) == 0 {
		return id.Topics
	}
	filters := append([]string{}, id.Topics...)
	for _, r := range id.Rules {
		if !r.Deny {
			filters = append(filters, r.Filter)
		}
	}
	return filters
}
