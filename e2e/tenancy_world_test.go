package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fieldcast/identity"
	"fieldcast/simulate/crowd"
	"fieldcast/store/sqlite"
	"fieldcast/track"
)

// who is somebody with credentials.
type who struct {
	name     string
	role     track.Role
	company  string
	employee string   // of a device
	topics   []string // of an integrator
	user     string   // of MQTT
	token    string
	cookie   string // instead of the token, for HTTP
	valid    bool   // the credentials are this server's, and good
}

// sees is who may receive what: the one answer that every way out is compared
// with. Topics are as in docs/topics.md.
func (w who) sees(topic string) bool {
	levels := strings.Split(topic, "/")
	if !w.valid || len(levels) < 3 || levels[0] != "fc" {
		return false
	}
	name, leaf := levels[2], strings.Join(levels[3:], "/")
	if strings.HasPrefix(name, "_") {
		name, leaf = "", name
	}
	if w.role == track.RoleOperator {
		return true
	}
	if w.company != levels[1] {
		return false
	}
	switch w.role {
	case track.RoleDevice:
		return name == w.employee && (leaf == "cmd" || leaf == "info")
	case track.RoleViewer:
		return slices.Contains([]string{"last", "presence", "_live", "_events"}, leaf)
	case track.RoleManager, track.RoleAdmin:
		return leaf != "cmd" && leaf != "info"
	case track.RoleIntegrator:
		return slices.ContainsFunc(w.topics, func(filter string) bool { return track.Match(filter, topic) })
	case track.RoleOperator: // decided above
	}
	return false
}

// writes is who may send what, or leave it as a will: a phone, below its base.
func (w who) writes(topic string) bool {
	base := "fc/" + w.company + "/" + w.employee
	sub, below := strings.CutPrefix(topic, base+"/")
	return w.valid && w.role == track.RoleDevice && (topic == base ||
		below && slices.Contains([]string{"event", "waypoint", "waypoints", "status", "dump", "step", "beacon", "request"}, sub))
}

// answered is the status of a request about a company, for a route that some
// roles may use. What is another's does not exist.
func (w who) answered(company string, roles []track.Role) int {
	switch {
	case !w.valid:
		return 401
	case w.role != track.RoleOperator && w.company != company:
		return 404
	case !slices.Contains(roles, w.role):
		return 403
	}
	return 200
}

// The companies, where their canaries are, and how many phones only listen.
var marks = map[string]float64{"acme": 11.11111, "other": 22.22222}

const listeners = 64

// foreignMark is what nobody but an operator may read.
func (w who) foreignMark(body string) bool {
	for company, lat := range marks {
		if w.role != track.RoleOperator && w.company != company && strings.Contains(body, fmt.Sprint(lat)) {
			return true
		}
	}
	return false
}

// world is a server with two companies that have the same names in them.
type world struct {
	*server
	t      *testing.T
	people []who                    // every role of both, and the operator
	phones map[string][]crowd.Phone // e1 is the canary, e2 the victim, the others listen
	fakes  []who                    // credentials that are no good
}

func newWorld(t *testing.T) *world {
	w := &world{server: startServer(t, ""), t: t, phones: map[string][]crowd.Phone{}}
	w.cli("company", "add", "other", "--name", "Other Ltd")
	ids, key := w.identities(filepath.Join(w.Data, "keys"))
	add := func(list *[]who, p who, ids *identity.Service, ttl time.Duration) {
		var err error
		p.token, err = ids.Issue(t.Context(), identity.Grant{Role: p.role, Company: p.company, Employee: p.employee, Topics: p.topics, TTL: ttl})
		must(t, err)
		*list = append(*list, p)
	}
	for company := range marks {
		phones, err := crowd.ReadCredentials(w.enrol(company, 3+listeners))
		must(t, err)
		w.phones[company] = phones
		w.people = append(w.people, w.phone(company, 2))
		for _, p := range []who{
			{name: "viewer", role: track.RoleViewer},
			{name: "manager", role: track.RoleManager},
			{name: "admin", role: track.RoleAdmin},
			{name: "integrator", role: track.RoleIntegrator, topics: []string{"fc/" + company + "/+/last"}},
			{name: "narrow integrator", role: track.RoleIntegrator, topics: []string{"fc/" + company + "/e1/presence", "fc/" + company + "/_live"}},
			{name: "greedy integrator", role: track.RoleIntegrator, topics: []string{"fc/" + company + "/#"}},
		} {
			p.name, p.company, p.user, p.valid = p.name+" of "+company, company, "u", true
			add(&w.people, p, ids, time.Hour)
		}
		_, err = w.CLIWith(userPassword+"\n", "user", "add", company, "boss@"+company+".example", "--role", "manager", "--password-stdin")
		must(t, err)
	}
	add(&w.people, who{name: "operator", role: track.RoleOperator, user: "u", valid: true}, ids, time.Hour)

	manager := who{role: track.RoleManager, company: "acme", user: "u"}
	past := w.service(identity.Options{Key: key, Now: func() time.Time { return time.Now().Add(-2 * time.Hour) }})
	manager.name = "an expired token"
	add(&w.fakes, manager, past, time.Hour)
	another, _ := w.identities(t.TempDir())
	manager.name = "a token of another server"
	add(&w.fakes, manager, another, time.Hour)
	w.fakes = append(w.fakes, who{name: "nobody"}, who{name: "junk", user: "u", token: "x.y.z"})
	revoked := w.phone("acme", 3)
	w.cli("employee", "revoke", "acme", revoked.employee)
	revoked.name, revoked.valid = "a revoked phone", false
	w.fakes = append(w.fakes, revoked)
	eventually(t, 15*time.Second, "the revocation is known", func() bool {
		return w.status("/api/v1/companies/acme/stats", revoked.token) == 401
	})
	return w
}

const userPassword = "a long enough password"

// phone is the n-th person of a company.
func (w *world) phone(company string, n int) who {
	p := w.phones[company][n-1]
	return who{
		name: "phone " + p.Employee + " of " + company, role: track.RoleDevice, company: company, employee: p.Employee,
		user: p.Username, token: p.Password, valid: true,
	}
}

// identities issues tokens with the key in a folder.
func (w *world) identities(dir string) (*identity.Service, []byte) {
	key, err := identity.LoadKey(dir)
	must(w.t, err)
	return w.service(identity.Options{Key: key}), key
}

// service records in the server's own database, as the command line does.
func (w *world) service(o identity.Options) *identity.Service {
	store, err := sqlite.Open(context.Background(), filepath.Join(w.Data, "fieldcast.db"), sqlite.Options{})
	must(w.t, err)
	w.t.Cleanup(func() { _ = store.Close() })
	o.Store = store
	ids, err := identity.New(o)
	must(w.t, err)
	return ids
}
