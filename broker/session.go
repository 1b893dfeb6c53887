package broker

import (
	"errors"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"fieldcast/track"
)

// errTooManySessions refuses credentials that use ever new client ids.
var errTooManySessions = errors.New("too many client ids for these credentials")

// session is a client that has logged in, and for phones also one that may
// come back.
type session struct {
	id       track.Identity
	key      string // the client id that mochi knows: {company}/{role}/{name}/{client id}
	client   *mqtt.Client
	version  byte
	plainQoS bool // gets QoS 0 only: see lowReceiveMaximum

	done   chan struct{} // closed when the connection has ended
	gone   chan struct{} // closed when nothing of the connection is left
	once   sync.Once
	expiry *time.Timer
	work   sync.WaitGroup // goroutines that write to this client

	mu        sync.Mutex
	filters   int      // subscriptions granted so far
	snapshots []string // filters whose last-known values are to be sent after SUBACK
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

func (s *session) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// owner identifies whose session it is, whatever client id is used.
func owner(id track.Identity) string {
	name := id.Subject
	if id.Role == track.RoleDevice {
		name = id.Employee
	}
	return id.Company + "/" + string(id.Role) + "/" + name
}

// sessions knows who is connected.
type sessions struct {
	most int // of one owner

	mu     sync.Mutex
	byConn map[*conn]struct{}
	byKey  map[string]*session            // the newest of each client id
	owners map[string]map[string]struct{} // owner to client ids that are connected or may come back
}

func newSessions(most int) *sessions {
	return &sessions{most: most, byConn: map[*conn]struct{}{}, byKey: map[string]*session{}, owners: map[string]map[string]struct{}{}}
}

// admit notes a session that logs in, and returns the one before under the same
// client id if that is connected still. Where the owner has too many client
// ids already, forget drops one that is not connected; if all are, the session
// is refused.
func (t *sessions) admit(s *session, forget func(key string)) (older *session, err error) {
	t.mu.Lock()
	if older = t.byKey[s.key]; older != nil && older.ended() {
		older = nil
	}
	name := owner(s.id)
	keys := t.owners[name]
	if keys == nil {
		keys = map[string]struct{}{}
		t.owners[name] = keys
	}
	var evicted string
	if _, known := keys[s.key]; !known && s.id.Role == track.RoleDevice && len(keys) >= t.most {
		if evicted = t.absent(keys); evicted == "" {
			t.mu.Unlock()
			return nil, errTooManySessions
		}
		delete(keys, evicted)
		delete(t.byKey, evicted)
	}
	keys[s.key] = struct{}{}
	t.byKey[s.key] = s
	t.mu.Unlock()
	if evicted != "" {
		forget(evicted)
	}
	return older, nil
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
