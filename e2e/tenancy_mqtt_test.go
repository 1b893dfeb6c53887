package e2e_test

import (
	bytesof "encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"fieldcast/broker/brokertest"
	"fieldcast/e2e/binary"
	"fieldcast/payload"
	"fieldcast/track"
)

// filters are what anybody may think of. C is each company in turn, G a group
// of one's own.
var filters = []string{
	"fc/C/e1", "fc/C/e1/last", "fc/C/+/last", "fc/C/+/presence", "fc/C/#", "fc/C/_live", "fc/C/_events", "fc/C/_rejected", "fc/C/e1/cmd", "+/C/+/last",
	"+/C/#", "$share/G/fc/C/#", "$SHARE/G/fc/C/+/last", "$share//fc/C/#",
	"#", "fc/#", "fc/+/+/last", "fc/+/+", "fc/+/_live", "+/+/#", "fc", "+", "$share/G/#", "$ShArE/G/fc/+/+/last", "$share/+/fc/#",
	"$SYS/#", "$SYS/broker/uptime", "",
}

// subscription is one connection with one filter.
type subscription struct {
	who    who
	filter string
	client *brokertest.Client
	pong   chan struct{}
	ended  chan struct{}

	mu  sync.Mutex
	got map[string][]brokertest.Message // by topic
}

// matches looks behind $share.
func (s *subscription) matches(topic string) bool {
	filter := s.filter
	if len(filter) > 7 && strings.EqualFold(filter[:7], "$share/") {
		group, inner, _ := strings.Cut(filter[7:], "/")
		if s.who.role == track.RoleDevice || group == "" || strings.ContainsAny(group, "+#") {
			return false
		}
		filter = inner
	}
	return filter != "" && track.Match(filter, topic)
}

func (s *subscription) wants(topic string) bool { return s.who.sees(topic) && s.matches(topic) }

func (s *subscription) topics() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.got))
}

// read keeps and acknowledges what comes, until the connection ends.
func (s *subscription) read() {
	defer close(s.ended)
	for {
		p, err := s.client.Next(time.Minute)
		if err != nil {
			return
		}
		switch p.Type {
		case brokertest.Pingresp:
			s.pong <- struct{}{}
		case brokertest.Publish:
			m := s.client.Message(p)
			s.mu.Lock()
			s.got[m.Topic] = append(s.got[m.Topic], m)
			s.mu.Unlock()
			if m.QoS == 1 {
				s.client.Send(brokertest.Frame(brokertest.Puback, bytesof.BigEndian.AppendUint16(nil, m.ID)))
			}
		}
	}
}

// dial opens a connection to the broker, on its own port or through the web's.
func (w *world) dial(web bool) *brokertest.Client {
	w.t.Helper()
	if !web {
		return brokertest.Dial(w.t, w.MQTT)
	}
	ws, _, err := websocket.Dial(w.t.Context(), "ws://"+w.HTTP+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}}) //nolint:bodyclose // the connection is the body
	must(w.t, err)
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return brokertest.NewClient(w.t, websocket.NetConn(w.t.Context(), ws, websocket.MessageBinary))
}

// subscribe makes a connection for each person, filter and way in.
func (w *world) subscribe(people []who, filters []string) []*subscription {
	w.t.Helper()
	var all []*subscription
	listener := map[string]int{}
	for _, filter := range filters {
		companies := []string{"acme", "other"}
		if !strings.Contains(filter, "C") {
			companies = companies[:1]
		}
		for _, company := range companies {
			for i, p := range people {
				if p.role == track.RoleDevice { // a phone may not have so many connections
					listener[p.company]++
					p = w.phone(p.company, 3+listener[p.company])
				}
				s := &subscription{
					who: p, filter: strings.NewReplacer("C", company, "G", fmt.Sprint("g", len(all))).Replace(filter), client: w.dial((len(all)+i)%3 == 0),
					pong: make(chan struct{}, 8), ended: make(chan struct{}), got: map[string][]brokertest.Message{},
				}
				if code := s.client.Login(brokertest.Login{ClientID: fmt.Sprint("s", len(all)), Username: p.user, Password: p.token}); code != 0 {
					w.t.Fatalf("%s: refused with 0x%02x", p.name, code)
				}
				all = append(all, s)
				go s.read()
				body := bytesof.BigEndian.AppendUint16([]byte{0, 9}, uint16(len(s.filter)))
				s.client.Send(brokertest.Frame(brokertest.Subscribe|2, append(append(body, s.filter...), 1)))
			}
		}
	}
	w.settle(all)
	return all
}

// settle waits until everything that was sent to them has been handled.
func (w *world) settle(all []*subscription) {
	w.t.Helper()
	for _, s := range all {
		s.client.Send([]byte{brokertest.Pingreq, 0})
	}
	for _, s := range all {
		select {
		case <-s.pong:
		case <-s.ended:
			if s.filter != "" && !strings.HasPrefix(s.filter, "$share/") {
				w.t.Errorf("%s with %q was thrown out", s.who.name, s.filter)
			}
		case <-time.After(20 * time.Second):
			w.t.Fatalf("%s with %q: no answer to PINGREQ", s.who.name, s.filter)
		}
	}
}

// receiveAll waits until each has what it must get of these topics.
func (w *world) receiveAll(all []*subscription, topics []string) {
	w.t.Helper()
	var waiting *subscription
	err := binary.Await(w.t.Context(), 20*time.Second, "everybody has received what they may", func() bool {
		i := slices.IndexFunc(all, func(s *subscription) bool { return len(s.missing(topics)) > 0 })
		if i < 0 {
			return true
		}
		waiting = all[i]
		return false
	})
	if err != nil {
		w.t.Fatalf("%v: %s with %q has no %v, but %v", err, waiting.who.name, waiting.filter, waiting.missing(topics), waiting.topics())
	}
}

// missing is what has not come, of topics that must.
func (s *subscription) missing(topics []string) (none []string) {
	got := s.topics()
	for _, topic := range topics {
		if s.wants(topic) && !slices.Contains(got, topic) {
			none = append(none, topic)
		}
	}
	return none
}

// owed reports whether the present values come first. An operator says whose
// company it wants them of, and a group gets none.
func (s *subscription) owed() bool {
	return s.who.role != track.RoleOperator || strings.Contains(s.filter, "/acme/") || strings.Contains(s.filter, "/other/")
}

// judge looks at everything that anybody has received, those that came late
// after everything had been sent.
func (w *world) judge(all []*subscription, late bool) {
	w.t.Helper()
	for _, s := range all {
		for _, topic := range s.topics() {
			if !s.wants(topic) {
				w.t.Errorf("%s with %q received %s", s.who.name, s.filter, topic)
			}
			s.mu.Lock()
			for _, m := range s.got[topic] {
				if s.who.foreignMark(string(m.Payload)) {
					w.t.Errorf("%s with %q read of another company on %s: %s", s.who.name, s.filter, topic, m.Payload)
				}
				if m.Retain && !strings.HasSuffix(topic, "/last") && !strings.HasSuffix(topic, "/presence") {
					w.t.Errorf("%s with %q: something was left behind on %s: %s", s.who.name, s.filter, topic, m.Payload)
				}
			}
			if first := s.got[topic][0]; s.owed() && strings.HasSuffix(topic, "/e1/last") && first.Retain != late {
				w.t.Errorf("%s with %q: retain flag %v on %s", s.who.name, s.filter, first.Retain, topic)
			}
			s.mu.Unlock()
		}
	}
}

// canaries lets a phone of each company come, report, and say something that
// nobody can read. It returns what the server publishes then.
func (w *world) canaries() (topics []string) {
	w.t.Helper()
	for company, lat := range marks {
		phone := w.dial(false)
		p := w.phone(company, 1)
		if code := phone.Login(brokertest.Login{ClientID: "canary", Username: p.user, Password: p.token}); code != 0 {
			w.t.Fatalf("%s: refused with 0x%02x", p.name, code)
		}
		base := "fc/" + company + "/e1"
		fix := payload.EncodeOwnTracks(track.Fix{Lat: lat, Lon: lat, RecordedAt: time.Now()})
		phone.Send(phone.PublishPacket(base, fix, 1, 1, 1)) // with the retain flag
		phone.Send(phone.PublishPacket(base, []byte("junk"), 1, 2, 1))
		for range 2 {
			if a, err := phone.Next(10 * time.Second); err != nil || a.Type != brokertest.Puback {
				w.t.Fatalf("%s: got %+v, %v", p.name, a, err)
			}
		}
		topics = append(topics, base, base+"/last", base+"/presence", "fc/"+company+"/_live", "fc/"+company+"/_events", "fc/"+company+"/_rejected")
	}
	return topics
}

// attempts publishes under every name that somebody could try, and returns
// which topic each mark of an attempt may be seen on.
func (w *world) attempts(t *testing.T) map[string]string {
	allowed := map[string]string{}
	for _, p := range w.people {
		c := w.dial(false)
		login := brokertest.Login{ClientID: "attempt", Username: p.user, Password: p.token}
		c.Login(login)
		for _, topic := range topicsToTry() {
			for qos := range byte(2) {
				mark := fmt.Sprintf("mark-%d-", len(allowed))
				body := fmt.Sprintf(`{"_type":"location","lat":1,"lon":1,"tst":%d,"note":%q}`, time.Now().Unix()-int64(len(allowed)), mark)
				allowed[mark] = ""
				if p.writes(topic) {
					allowed[mark] = topic
				}
				c.Send(c.PublishPacket(topic, []byte(body), qos, 7, 1))
				a, err := brokertest.Packet{Type: brokertest.Puback}, error(nil)
				if qos == 1 {
					a, err = c.Next(10 * time.Second)
				}
				if pinged := c.Ping(); err != nil || a.Type != brokertest.Puback || pinged != nil {
					if !badTopic(topic) {
						t.Errorf("%s publishes on %q with QoS %d: %+v, %v, %v", p.name, topic, qos, a, err, pinged)
					}
					c = w.dial(false)
					c.Login(login)
				}
			}
		}
	}
	return allowed
}

// topicsToTry are what somebody may want to write on. The only phones that try
// are e2.
func topicsToTry() []string {
	all := []string{
		"$SYS/broker/uptime", "$SYS/x", "$share/g/fc/acme/e1", "#", "fc/#", "fc/acme/+", "fc/+/e2/last", "", "fc", "fc/acme", "x/y",
		"fc/acme/e2/x\x00y", "fc/acme/\xed\xa0\x80", "fc/acme/\xc3", strings.Repeat("/", 300), "fc/acme/e2/event/deeper", "FC/acme/e2", "/fc/acme/e2", "fc/acme/e2/",
	}
	for company := range marks {
		for _, rest := range []string{
			"e2", "e2/event", "e2/status", "e2/last", "e2/presence", "e2/cmd", "e2/info", "_live", "_events", "_rejected", "_x",
			"e1", "e1/last", "e1/cmd", "nobody",
		} {
			all = append(all, "fc/"+company+"/"+rest)
		}
	}
	return all
}

// badTopic says what no MQTT client may send, for which a connection may end.
func badTopic(topic string) bool {
	return topic == "" || strings.ContainsAny(topic, "+#\x00") || strings.ToValidUTF8(topic, "?") != topic || strings.HasPrefix(topic, "$")
}

// wantAttempts compares what was seen of the attempts, by whom ever.
func wantAttempts(t *testing.T, all []*subscription, allowed map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range all {
		s.mu.Lock()
		for topic, messages := range s.got {
			for _, m := range messages {
				_, rest, found := strings.Cut(string(m.Payload), `"mark-`)
				number, _, _ := strings.Cut(rest, "-")
				mark := "mark-" + number + "-"
				if found && allowed[mark] != topic {
					t.Errorf("%s received on %s what may only be on %q: %s", s.who.name, topic, allowed[mark], m.Payload)
				}
				if strings.Contains(string(m.Payload), `"lwt"`) {
					t.Errorf("%s received a will on %s", s.who.name, topic)
				}
				seen[mark] = seen[mark] || found
			}
		}
		s.mu.Unlock()
	}
	for mark, topic := range allowed {
		if topic != "" && !seen[mark] {
			t.Errorf("nobody received what was sent on %s", topic)
		}
	}
}

// wills are judged when they are announced.
func (w *world) wills(t *testing.T) {
	for i, p := range slices.Concat(w.people, w.fakes) {
		for _, topic := range topicsToTry() {
			if topic == "" { // that is no will
				continue
			}
			c := w.dial(i%4 == 0)
			code := c.Login(brokertest.Login{ClientID: "will", Username: p.user, Password: p.token, WillTopic: topic})
			if got, want := code == 0, p.writes(topic); got != want {
				t.Errorf("%s with a will on %q: CONNACK 0x%02x", p.name, topic, code)
			}
			_ = c.Conn.Close() // without DISCONNECT: the will would be due
		}
	}
}

// thefts: the client id of one person is of no use to another.
func (w *world) thefts(t *testing.T) {
	for _, victim := range w.people {
		c := w.dial(false)
		login := brokertest.Login{ClientID: "mine", Username: victim.user, Password: victim.token, Persistent: true}
		if code := c.Login(login); code != 0 {
			t.Fatalf("%s: refused with 0x%02x", victim.name, code)
		}
		for _, thief := range slices.Concat(w.people, w.fakes) {
			if thief.token == victim.token {
				continue
			}
			for _, id := range []string{"mine", victim.company + "/" + victim.employee + "/mine", "device/" + victim.company + "/" + victim.employee + "/mine"} {
				other := w.dial(false)
				other.Send(brokertest.Login{ClientID: id, Username: thief.user, Password: thief.token, Persistent: id == "mine"}.Encode())
				p, err := other.Next(10 * time.Second)
				if thief.valid && (err != nil || p.Type != brokertest.Connack || p.Body[1] != 0 || id != "mine" && p.Body[0] != 0) {
					t.Errorf("%s as %q: got %+v, %v", thief.name, id, p, err)
				}
				if !thief.valid && err == nil && (len(p.Body) < 2 || p.Body[1] == 0) {
					t.Errorf("%s was let in", thief.name)
				}
				_ = other.Conn.Close()
			}
		}
		if err := c.Ping(); err != nil {
			t.Errorf("%s lost its connection to others with its client id: %v", victim.name, err)
		}
		_ = c.Conn.Close()
	}
}

// names that would mean something in a topic are nobody.
func (w *world) names(t *testing.T) {
	phone := w.phone("acme", 2)
	for _, name := range []string{"+", "#", "a/b", "+@acme", "#@acme", "e2@+", "e2@other", "e1@acme", "e2@acme/", "", "e2@acme\x00", strings.Repeat("x", 60_000)} {
		for _, token := range []string{phone.token, "", name} {
			c := w.dial(false)
			if code := c.Login(brokertest.Login{ClientID: "n", Username: name, Password: token}); code == 0 {
				t.Errorf("user %.20q was let in", name)
			}
		}
	}
	for _, p := range w.fakes {
		for _, web := range []bool{false, true} {
			c := w.dial(web)
			if code := c.Login(brokertest.Login{ClientID: "n", Username: p.user, Password: p.token}); code == 0 {
				t.Errorf("%s was let in", p.name)
			}
		}
	}
}
