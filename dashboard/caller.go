package dashboard

import (
	"context"
	"net/http"
	"strings"

	"fieldcast/track"
)

// caller is who asks, as far as the request proves it.
type caller struct {
	id  track.Identity
	err error
}

type contextKey int

const (
	callerKey contextKey = iota
	requestKey
	requestIDKey
)

// identify notes who asks. It refuses nobody: each handler says what it needs.
func (s *server) identify(r *http.Request) caller {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{err: track.ErrUnauthorized}
		}
		id, err := s.Identities.Verify(strings.TrimSpace(token))
		return caller{id, err}
	}
	// The cookie is for what a browser opens by itself, such as a download. What
	// changes something wants a token, which no other site can send.
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return caller{err: track.ErrUnauthorized}
	}
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return caller{err: track.ErrUnauthorized}
	}
	access, err := s.Identities.Access(r.Context(), cookie.Value)
	return caller{access.Identity, err}
}

// member returns who asks if they may look at the company at all. A company
// that is another's does not exist for them: the answer is the same as for one
// that nobody has, and nothing was looked up for it.
func member(ctx context.Context, company string, roles ...track.Role) (track.Identity, error) {
	c, ok := ctx.Value(callerKey).(caller)
	if !ok {
		return track.Identity{}, track.ErrUnauthorized
	}
	if c.err != nil {
		return track.Identity{}, c.err
	}
	own := c.id.Company == company && company != ""
	if !own && (c.id.Role != track.RoleOperator || c.id.Company != "") {
		return track.Identity{}, errNoCompany
	}
	for _, r := range roles {
		if c.id.Role == r {
			return c.id, nil
		}
	}
	return track.Identity{}, track.ErrForbidden
}

// The roles that may read where people are, and those that may read what went
// wrong.
var (
	readers  = []track.Role{track.RoleViewer, track.RoleManager, track.RoleAdmin, track.RoleIntegrator, track.RoleOperator}
	managers = []track.Role{track.RoleManager, track.RoleAdmin, track.RoleOperator}
)

// maySee reports whether somebody may know where a person is: whoever may
// receive the person's last-known position by MQTT.
func maySee(id track.Identity, company, employee string) bool {
	return track.Allow(id, track.Receive, track.Topic{Company: company, Employee: employee, Leaf: track.LeafLast}.String())
}
