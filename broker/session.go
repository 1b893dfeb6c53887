package broker

import (
	"errors"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"golang.org/x/time/rate"

	"fieldcast/track"
)

// errTooManySessions refuses credentials that use ever new client ids.
var errTooManySessions = errors.New("too many client ids for these credentials")

// errCompanyFull refuses a connection beyond those of its company.
var errCompanyFull = errors.New("too many connections of this company")

// errRevoked refuses a token that was revoked while its login was under way.
var errRevoked = errors.New("revoked while it logged in")

// session is a client that has logged in, and for phones also one that may
// come back.
type session struct {
	server  *Server
	id      track.Identity
	key     string // the client id that mochi knows: see sessionKey
	client  *mqtt.Client
	version byte
	topic   string // a phone's own, which its fixes come on
	express bool   // its fixes need not go through mochi
	// expiryChanged: the client wants a session that is kept, and does not get it.
	expiryChanged bool

	done   chan struct{} // closed when the connection has ended
	gone   chan struct{} // closed when nothing of the connection is left
	once   sync.Once
	expiry *time.Timer
	work   sync.WaitGroup // goroutines that write to this client

	out outbox

	// Of the reader's goroutine.
	pace         *rate.Limiter // how fast a phone may publish
	delayedSince time.Time     // since when it has been too fast without a pause

	mu        sync.Mutex
	granting  []string // filters of the SUBSCRIBE that is being handled
	snapshots []wanted // filters whose last-known values are to be sent after SUBACK
	sending   bool     // a goroutine sends snapshots
}

// end releases what belongs to the connection, and waits for its goroutines.
func (s *session) end() {
	s.once.Do(func() {
		close(s.done)
		if s.expiry != nil {
			s.expiry.Stop()
		}
	})
	s.work.Wait()
}

// resumable reports whether the client may come back to this session
// [MQTT-3.1.2-4].
func (s *session) resumable() bool {
	if s.version == 5 {
		return s.client.Properties.Props.SessionExpiryInterval > 0
	}
	return !s.client.Properties.Clean
}

// mayPublish reports whether the client may write a topic.
func (s *session) mayPublish(topic string) bool {
	return s.topic != "" && topic == s.topic || track.Allow(s.id, track.Publish, topic)
}

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// owner identifies whose session it is, whatever client id is used. A subject
// that somebody else's server has signed may have any characters.
func owner(id track.Identity) string {
	name := id.Subject
	if id.Role == track.RoleDevice {
		name = id.Employee
	}
	return id.Company + "/" + string(id.Role) + "/" + url.PathEscape(name)
}

// sessionKey is the client id that mochi knows a client by, so that two
// identities never share one. Phones keep theirs when they get a new token.
// Others do not: tokens of one subject may be in the hands of programs that do
// not know of each other, and happen to use the same client id.
func sessionKey(id track.Identity, clientID string) string {
	if id.Role == track.RoleDevice {
		return owner(id) + "/" + clientID
	}
	return owner(id) + "/" + url.PathEscape(id.TokenID) + "/" + clientID
}

// sessions knows who is connected.
type sessions struct {
	limits *Limits

	mu     sync.Mutex
	byConn map[*conn]struct{}
	byKey  map[string]*session            // the newest of each client id
	owners map[string]map[string]struct{} // owner to client ids that are connected or may come back
	inside map[string]int                 // company to connections
}

func newSessions(l *Limits) *sessions {
	return &sessions{limits: l, byConn: map[*conn]struct{}{}, byKey: map[string]*session{}, owners: map[string]map[string]struct{}{}, inside: map[string]int{}}
}

// admit notes a session that logs in, and returns the one before under the same
// client id if that is connected still. Where the owner has too many client
// ids already, forget drops one that is not connected; if all are, the session
// is refused with errTooManySessions. Beyond a company's connections it is
// errCompanyFull. Who was admitted must leave.
func (t *sessions) admit(s *session, forget func(key string)) (older *session, err error) {
	t.mu.Lock()
	if older = t.byKey[s.key]; older != nil && older.ended() {
		older = nil
	}
	if most := t.limits.ConnectionsPerCompany; most > 0 && older == nil && t.inside[s.id.Company] >= most {
		t.mu.Unlock()
		return nil, errCompanyFull
	}
	name := owner(s.id)
	keys := t.owners[name]
	if keys == nil {
		keys = map[string]struct{}{}
		t.owners[name] = keys
	}
	most := t.limits.ConnectionsPerIdentity
	if s.id.Role == track.RoleDevice {
		most = t.limits.SessionsPerIdentity
	}
	var evicted string
	if _, known := keys[s.key]; !known && len(keys) >= most {
		if evicted = t.absent(keys); evicted == "" {
			t.mu.Unlock()
			return nil, errTooManySessions
		}
		delete(keys, evicted)
		delete(t.byKey, evicted)
	}
	keys[s.key] = struct{}{}
	t.byKey[s.key] = s
	t.inside[s.id.Company]++
	t.mu.Unlock()
	if evicted != "" {
		forget(evicted)
	}
	return older, nil
}

// leave notes that a connection which was admitted has ended.
func (t *sessions) leave(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside[s.id.Company]--; t.inside[s.id.Company] <= 0 {
		delete(t.inside, s.id.Company)
	}
}

// absent returns a client id of keys that is not connected.
func (t *sessions) absent(keys map[string]struct{}) string {
	for key := range keys {
		if s := t.byKey[key]; s == nil || s.ended() {
			return key
		}
	}
	return ""
}

// forget removes a session for good, unless a newer one has its place.
func (t *sessions) forget(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey[s.key] != s {
		return
	}
	t.drop(s.key, owner(s.id))
}

// expired removes a client id that mochi has forgotten.
func (t *sessions) expired(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byKey[key]; s != nil && s.ended() {
		t.drop(key, owner(s.id))
	}
}

func (t *sessions) drop(key, name string) {
	delete(t.byKey, key)
	delete(t.owners[name], key)
	if len(t.owners[name]) == 0 {
		delete(t.owners, name)
	}
}

// ofTokens returns the sessions that logged in with one of the tokens.
func (t *sessions) ofTokens(ids []string) []*session {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*session
	for _, s := range t.byKey {
		if s.id.TokenID != "" && wanted[s.id.TokenID] {
			found = append(found, s)
		}
	}
	return found
}

func (t *sessions) open(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byConn[c] = struct{}{}
}

func (t *sessions) close(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byConn, c)
}

// conns returns all connections, logged in or not.
func (t *sessions) conns() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*conn, 0, len(t.byConn))
	for c := range t.byConn {
		all = append(all, c)
	}
	return all
}
