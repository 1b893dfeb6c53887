package broker_test

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/journal"
	"fieldcast/track"
)

// Who may subscribe to what: the code of SUBACK on MQTT 5. Letters as in the
// roles: d(evice) v(iewer) m(anager) a(dmin) i(ntegrator) o(perator).
func TestSubscribe(t *testing.T) {
	b := brokertest.Start(t)
	roles := map[string]string{"d": "device:acme:e1", "v": "viewer:acme:v", "m": "manager:acme:m", "a": "admin:acme:a", "i": "integrator:acme:i", "o": "operator::o"}
	clients := map[string]*brokertest.Client{}
	for letter, password := range roles {
		clients[letter] = b.Connect(brokertest.Login{Version: 5, ClientID: letter, Username: "u", Password: password})
	}
	// Some are granted what they will never receive, because phone apps ask for
	// it and take a refusal as a failed connection.
	for _, tt := range []struct{ filter, granted string }{
		{"fc/acme/+/last", "dvmaio"},
		{"fc/acme/_live", "vmao"},
		{"fc/acme/_rejected", "mao"},
		{"fc/acme/e1/cmd", "dmao"},
		{"fc/acme/e2/cmd", "mao"},
		{"fc/+/+", "dvmao"},
		{"#", "dvmaio"},
		{"fc/other/#", "o"},
		{"fc/other/e1/last", "o"},
		{"+/other/+/last", "o"},
		{"$share/g/fc/acme/+/last", "vmaio"},
		{"$share/g/fc/other/+/last", "o"},
		{"$SHARE/g/fc/other/#", "o"},
		{"$share//fc/acme/#", ""},
		{"$share/g", ""},
		{"$SYS/#", ""},
		{"$SYS/broker/uptime", ""},
		{"fc", "o"},
		{"!refused", ""},
		{"fc/acme/e1/!", "dmao"},
		{strings.Repeat("/", 32000), ""},
		{strings.Repeat("a/", 200) + "#", ""},
	} {
		for letter, c := range clients {
			begun := time.Now()
			code := c.Subscribe(tt.filter, 1)
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("%s subscribes %.30s: took %v", letter, tt.filter, took)
			}
			if got, want := code <= 2, strings.Contains(tt.granted, letter); got != want {
				t.Errorf("%s subscribes %.40s: code 0x%02x, want granted %v", letter, tt.filter, code, want)
			}
			if code > 2 && code != 0x87 && code != 0x8f {
				t.Errorf("%s subscribes %.40s: code 0x%02x", letter, tt.filter, code)
			}
		}
	}
}

func TestLogin(t *testing.T) {
	b := brokertest.Start(t)
	secret := "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LXNlY3JldA.c2lnbmF0dXJl"
	for _, tt := range []struct {
		name         string
		login        brokertest.Login
		code3, code5 byte
	}{
		{"right", brokertest.Login{ClientID: "a", Username: "u", Password: "viewer:acme:v"}, 0, 0},
		{"wrong password", brokertest.Login{ClientID: "a", Username: "e1@acme", Password: secret}, 5, 0x86},
		{"token in the user name", brokertest.Login{ClientID: "a", Username: secret, Password: "x"}, 5, 0x86},
		{"nobody", brokertest.Login{ClientID: "a"}, 5, 0x86},
		{"own will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/e1"}, 0, 0},
		{"an empty will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/e1", EmptyWill: true}, 0, 0},
		{"a colleague's empty will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/e2", EmptyWill: true}, 5, 0x87},
		{"a colleague's will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/e2"}, 5, 0x87},
		{"another company's will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/other/e1"}, 5, 0x87},
		{"a will with a wildcard", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/#"}, 5, 0x87},
		{"the broker's will", brokertest.Login{ClientID: "a", Username: "u", Password: "device:acme:e1", WillTopic: "$SYS/fake"}, 5, 0x87},
		{"a manager's will", brokertest.Login{ClientID: "a", Username: "u", Password: "manager:acme:m", WillTopic: "fc/acme/e1"}, 5, 0x87},
	} {
		for _, version := range []byte{3, 4, 5} {
			l := tt.login
			l.Version = version
			want := tt.code3
			if version == 5 {
				want = tt.code5
			}
			if got := brokertest.Dial(t, b.Addr).Login(l); got != want {
				t.Errorf("%s, MQTT %d: got 0x%02x, want 0x%02x", tt.name, version, got, want)
			}
		}
	}
	log := b.Log.String()
	if strings.Contains(log, "c2VjcmV0") || !strings.Contains(log, `msg="login refused"`) || !strings.Contains(log, "user=e1@acme") {
		t.Errorf("the log must tell of refused logins, and no secret:\n%.2000s", log)
	}
	if b.Metric("fieldcast_auth_failures_total", "will") != 18 || b.Metric("fieldcast_auth_failures_total", "malformed") != 9 {
		t.Error("refusals are not counted by reason")
	}
}

// The same client id under two identities is two clients; under one identity
// the newer connection takes over.
func TestClientIDs(t *testing.T) {
	b := brokertest.Start(t)
	login := func(password string) *brokertest.Client {
		return b.Connect(brokertest.Login{ClientID: "phone", Username: "u", Password: password, Persistent: true})
	}
	first, stranger, colleague := login("device:acme:e1"), login("device:other:e1"), login("device:acme:e2")
	for _, c := range []*brokertest.Client{first, stranger, colleague} {
		if err := c.Ping(); err != nil {
			t.Error(err)
		}
	}
	second := login("device:acme:e1")
	first.Closed(5 * time.Second)
	for _, c := range []*brokertest.Client{second, stranger, colleague} {
		if err := c.Ping(); err != nil {
			t.Error(err)
		}
	}
}

// What older clients do not know is not said to them, and MQTT 5 clients are
// told what they do not get.
func TestConnack(t *testing.T) {
	b := brokertest.Start(t)
	for version, want := range map[byte]byte{3: 2, 4: 2} {
		l := brokertest.Login{Version: version, Username: "u", Password: "device:acme:e1", Persistent: true} // no client id
		if got := brokertest.Dial(t, b.Addr).Login(l); got != want {
			t.Errorf("MQTT %d without a client id: got 0x%02x, want 0x%02x", version, got, want)
		}
		l.Persistent = false
		if got := brokertest.Dial(t, b.Addr).Login(l); got != 0 {
			t.Errorf("MQTT %d without a client id, clean session: got 0x%02x", version, got)
		}
	}
	for password, told := range map[string]bool{"viewer:acme:v": true, "device:acme:e1": false} {
		c := brokertest.Dial(t, b.Addr)
		l := brokertest.Login{Version: 5, Username: "u", Password: password, Properties: []byte{0x11, 0, 0, 1, 0}}
		c.Send(l.Encode())
		p, err := c.Next(5 * time.Second)
		if err != nil || p.Type != brokertest.Connack || p.Body[1] != 0 {
			t.Fatalf("%s: got %+v, %v", password, p, err)
		}
		if bytes.Contains(p.Body, []byte("acme")) {
			t.Errorf("%s: the server's own client id leaks: %q", password, p.Body)
		}
		if got := bytes.Contains(p.Body, []byte{0x11, 0, 0, 0, 0}); got != told {
			t.Errorf("%s: told that the session ends with the connection: %v", password, got)
		}
	}
}

// The number of subscriptions counts, not how often they were made, also over
// connections.
func TestManySubscriptions(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.Subscriptions = 5 })
	login := brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1", Persistent: true}
	leaves := []string{"cmd", "info", "+", "#", "last"}
	for range 3 {
		c := b.Connect(login)
		for range 3 {
			for _, leaf := range leaves {
				if code := c.Subscribe("fc/acme/e1/"+leaf, 1); code > 1 {
					t.Fatalf("%s again: 0x%02x", leaf, code)
				}
			}
		}
		if code := c.Subscribe("fc/acme/e1/status", 1); code != 0x80 {
			t.Fatalf("one too many: 0x%02x", code)
		}
		_ = c.Conn.Close()
	}
}

// Who logs in while the token is being revoked does not stay.
func TestRevokedWhileLoggingIn(t *testing.T) {
	who := &revoking{}
	b := brokertest.Start(t, func(o *broker.Options) { o.Identities = who })
	who.server.Store(b.Server)
	if code := brokertest.Dial(t, b.Addr).Login(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}); code != 5 {
		t.Errorf("got 0x%02x, want 5", code)
	}
	if got := b.Metric("fieldcast_mqtt_connections"); got != 0 {
		t.Errorf("%v are connected", got)
	}
}

// revoking revokes a token in the moment after it was found good.
type revoking struct {
	brokertest.Identities
	server  atomic.Pointer[broker.Server]
	revoked atomic.Bool
}

func (r *revoking) Authenticate(username, password string) (track.Identity, error) {
	if r.revoked.Load() {
		return track.Identity{}, errors.New("revoked")
	}
	id, err := r.Identities.Authenticate(username, password)
	r.revoked.Store(true)
	r.server.Load().Disconnect([]string{id.TokenID})
	return id, err
}

// One user's or program's connections are bounded.
func TestConnectionsOfOneIdentity(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.ConnectionsPerIdentity = 3 })
	for i := range 3 {
		b.Connect(brokertest.Login{ClientID: strings.Repeat("x", i+1), Username: "u", Password: "viewer:acme:v"})
	}
	if code := brokertest.Dial(t, b.Addr).Login(brokertest.Login{ClientID: "one more", Username: "u", Password: "viewer:acme:v"}); code != 5 {
		t.Errorf("got %d, want 5", code)
	}
	b.Connect(brokertest.Login{ClientID: "another", Username: "u", Password: "viewer:acme:w"})
}

// Credentials that come with ever new client ids do not fill the memory.
func TestSessionHoarding(t *testing.T) {
	b := brokertest.Start(t)
	for i := range 50 {
		c := brokertest.Dial(t, b.Addr)
		id := strings.Repeat("x", i+1)
		if code := c.Login(brokertest.Login{ClientID: id, Username: "u", Password: "device:acme:e1", Persistent: true}); code != 0 {
			t.Fatalf("id %d: refused with %d", i, code)
		}
		c.Send([]byte{brokertest.Disconnect, 0})
		c.Closed(5 * time.Second)
		brokertest.Eventually(t, "the phone is gone", func() bool { return b.Metric("fieldcast_mqtt_connections") == 0 })
	}
	if got := b.Metric("fieldcast_mqtt_dropped_total", "session_evicted"); got != 46 {
		t.Errorf("%v sessions were evicted, want all but 4", got)
	}
	// While all of them are connected, one more is refused.
	for i := range 4 {
		b.Connect(brokertest.Login{ClientID: strings.Repeat("y", i+1), Username: "u", Password: "device:acme:e2"})
	}
	if code := brokertest.Dial(t, b.Addr).Login(brokertest.Login{ClientID: "one more", Username: "u", Password: "device:acme:e2"}); code != 5 {
		t.Errorf("got %d, want 5", code)
	}
}

// A connection ends with its token, and at once when that is revoked.
func TestTokenEnds(t *testing.T) {
	b := brokertest.Start(t)
	for _, version := range []byte{4, 5} {
		begun := time.Now()
		c := b.Connect(brokertest.Login{Version: version, ClientID: "x", Username: "u", Password: "device:acme:e1:expires"})
		got := c.Closed(5 * time.Second)
		if took := time.Since(begun); took < brokertest.Expiry {
			t.Errorf("closed after %v, before the token had expired", took)
		}
		wantBye(t, version, got, 0x87)

		keeper := b.Phone("acme", "e3")
		c = b.Connect(brokertest.Login{Version: version, ClientID: "x", Username: "u", Password: "device:acme:e2", Persistent: true})
		b.Server.Disconnect([]string{"device:acme:e2", "another"})
		wantBye(t, version, c.Closed(5*time.Second), 0x87)
		if err := keeper.Ping(); err != nil {
			t.Errorf("another phone: %v", err)
		}
	}
}

func wantBye(t *testing.T, version byte, got []brokertest.Packet, code byte) {
	t.Helper()
	if version < 5 {
		if len(got) != 0 {
			t.Errorf("MQTT %d: got %+v, want nothing but the end", version, got)
		}
		return
	}
	if len(got) != 1 || got[0].Type != brokertest.Disconnect || len(got[0].Body) == 0 || got[0].Body[0] != code {
		t.Errorf("got %+v, want DISCONNECT 0x%02x", got, code)
	}
}

// Presence follows the session: a take-over does not flap, the will says
// nothing, and a start means that nobody is connected.
func TestPresence(t *testing.T) {
	b := brokertest.Start(t)
	brokertest.Eventually(t, "the start is noted", func() bool { return len(b.Journal.Records(journal.Started)) == 1 })
	count := func(kind journal.Kind) int { return len(b.Journal.Records(kind)) }
	first := b.Phone("acme", "e1")
	brokertest.Eventually(t, "the phone has come", func() bool { return count(journal.Connected) == 1 })
	second := b.Phone("acme", "e1") // the same client id
	first.Closed(5 * time.Second)
	if err := second.Ping(); err != nil {
		t.Error(err)
	}
	if count(journal.Connected) != 1 || count(journal.Disconnected) != 0 {
		t.Errorf("a take-over is noted: %d came, %d left", count(journal.Connected), count(journal.Disconnected))
	}
	_ = second.Conn.Close() // without DISCONNECT
	brokertest.Eventually(t, "the phone has left", func() bool { return count(journal.Disconnected) == 1 })
	b.As("manager", "acme")
	if r := b.Journal.Records(journal.Connected); len(r) != 1 || r[0].Company != "acme" || r[0].Employee != "e1" {
		t.Errorf("got %+v", r)
	}
}

// A will of OwnTracks is neither a fix nor a message to anybody.
func TestWillIsNotPublished(t *testing.T) {
	b := brokertest.Start(t)
	manager := b.As("manager", "acme")
	manager.Subscribe("fc/acme/#", 1)
	phone := b.Connect(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1", WillTopic: "fc/acme/e1"})
	_ = phone.Conn.Close()
	brokertest.Eventually(t, "the phone has left", func() bool { return len(b.Journal.Records(journal.Disconnected)) == 1 })
	if err := manager.Ping(); err != nil {
		t.Error(err)
	}
	if len(b.Journal.Records(journal.Message)) != 0 {
		t.Error("the will is in the journal")
	}
}
