package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/payload"
	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// TestTenancy: two companies with the same employee ids side by side; the
// tokens of one see nothing of the other, on any topic or path.
func TestTenancy(t *testing.T) {
	s := startServer(t, "")
	s.cli("company", "add", "other", "--name", "Other Ltd")
	acme, err := crowd.ReadCredentials(s.enrol("acme", 2))
	must(t, err)
	other, err := crowd.ReadCredentials(s.enrol("other", 2))
	must(t, err)

	heard := make(chan string, 1000)
	for _, role := range []string{"viewer", "manager"} {
		listen(t, s, "x", s.token("other", role), heard, "#", "fc/#", "fc/+/+/last", "fc/acme/#", "fc/acme/_live",
			"fc/acme/e1", "fc/acme/e1/last", "+/acme/+/last", "$share/g/fc/acme/#", "$share/g/#", "$SYS/#", "fc/acme/_rejected")
	}
	listen(t, s, "x", s.token("other", "integrator", "--topic", "fc/other/+/last"), heard, "#", "fc/acme/+/last", "fc/+/+/last")
	listen(t, s, other[1].Username, other[1].Password, heard, "#", "fc/+/+", "fc/acme/e1/cmd", "fc/+/+/cmd")

	// A phone of acme, and one of other under the same client id.
	own, foreign := acme[0], other[0]
	foreign.ClientID = own.ClientID
	phone, stranger := connect(t, s, own), connect(t, s, foreign)
	defer phone.Disconnect(100)
	defer stranger.Disconnect(100)
	publish(t, phone, "fc/acme/e1", payload.EncodeOwnTracks(track.Fix{Lat: 1, Lon: 1, RecordedAt: time.Now()}))
	publish(t, phone, "fc/acme/e1", []byte("junk"))
	publish(t, stranger, "fc/acme/e2", payload.EncodeOwnTracks(track.Fix{Lat: 2, Lon: 2, RecordedAt: time.Now()}))
	publish(t, stranger, "fc/other/e1", payload.EncodeOwnTracks(track.Fix{Lat: 3, Lon: 3, RecordedAt: time.Now()}))

	manager, outsider := s.token("acme", "manager"), s.token("other", "manager")
	eventually(t, 20*time.Second, "both companies have their fix", func() bool {
		return s.stats("acme", manager).Fixes == 1 && s.stats("other", outsider).Fixes == 1
	})
	if !phone.IsConnected() {
		t.Error("the same client id in another company threw the phone out")
	}
	if fixes := allFixes(t, s, manager, "acme", "e2"); len(fixes) != 0 {
		t.Errorf("a phone of other wrote for a person of acme: %+v", fixes)
	}
	for _, path := range []string{"positions", "positions?after=0", "employees", "employees/e1/fixes", "stats", "rejected"} {
		for name, token := range map[string]string{"other's manager": outsider, "other's phone": other[0].Password, "nobody": "", "junk": "x.y.z"} {
			code, body := s.fetch("/api/v1/companies/acme/"+path, token)
			missing, missingBody := s.fetch("/api/v1/companies/none/"+path, token)
			if code < 400 || strings.Contains(string(body), "lat") {
				t.Errorf("%s GETs %s: %d %s", name, path, code, body)
			}
			if code != missing || scrub(body, "acme") != scrub(missingBody, "none") {
				t.Errorf("%s can tell that acme exists: %d %s, but of no company %d %s", name, code, body, missing, missingBody)
			}
		}
	}
	// A frame of other itself proves that the listeners were there all the time.
	deadline := time.After(20 * time.Second)
	for seen := false; !seen; {
		select {
		case topic := <-heard:
			seen = topic == "fc/other/e1/last"
			if !strings.HasPrefix(topic, "fc/other/") {
				t.Errorf("a token of other received %s", topic)
			}
		case <-deadline:
			t.Fatal("the listeners of other did not even hear their own company")
		}
	}
	for len(heard) > 0 {
		if topic := <-heard; !strings.HasPrefix(topic, "fc/other/") {
			t.Errorf("a token of other received %s", topic)
		}
	}
}

// listen subscribes to each filter in a connection of its own, because a
// refusal may close it.
func listen(t *testing.T, s *server, user, password string, heard chan<- string, filters ...string) {
	t.Helper()
	for i, filter := range filters {
		o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID(fmt.Sprintf("l-%d-%s", i, password[len(password)-8:])).
			SetUsername(user).SetPassword(password).SetAutoReconnect(false)
		c := mqtt.NewClient(o)
		if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Fatalf("%s: connect: %v", filter, token.Error())
		}
		t.Cleanup(func() { c.Disconnect(50) })
		c.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) {
			heard <- m.Topic()
		}).WaitTimeout(10 * time.Second) // refused or granted: what counts is what arrives
	}
}

func publish(t *testing.T, c mqtt.Client, topic string, body []byte) {
	t.Helper()
	token := c.Publish(topic, 1, true, body)
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Errorf("publish on %s: not acknowledged: %v", topic, token.Error())
	}
}

// scrub removes what may differ between two refusals: the name that was asked
// for and the request's id.
func scrub(body []byte, company string) string {
	s := strings.ReplaceAll(string(body), company, "COMPANY")
	if i := strings.Index(s, `"request_id"`); i >= 0 {
		if j := strings.IndexAny(s[i:], ",}"); j >= 0 {
			s = s[:i] + s[i+j:]
		}
	}
	return s
}

// TestRevocation: a running server closes the connection of a revoked phone
// within 5 s, and does not let it in again.
func TestRevocation(t *testing.T) {
	s := startServer(t, "")
	phones := crew(t, s, 2)
	lost := make(chan struct{})
	o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID("r").SetUsername(phones[0].Username).
		SetPassword(phones[0].Password).SetAutoReconnect(false).SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) })
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	s.cli("employee", "revoke", "acme", "e1")
	select {
	case <-lost:
	case <-time.After(5 * time.Second):
		t.Fatal("5 s after the revocation the phone is still connected")
	}
	if token := mqtt.NewClient(o).Connect(); !token.WaitTimeout(10*time.Second) || token.Error() == nil {
		t.Error("the revoked phone was let in again")
	}
	connect(t, s, phones[1]).Disconnect(50)
	if code := s.status("/api/v1/companies/acme/stats", phones[0].Password); code != http.StatusUnauthorized {
		t.Errorf("REST with a revoked token: %d, want 401", code)
	}
}
