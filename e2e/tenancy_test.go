package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestTenancy: two companies with the same names in them, everybody there is,
// and every way in and out. What each may do is written once, in [who.sees],
// [who.writes], [who.answered] and the table of routes; what they can do is
// found out by doing it.
func TestTenancy(t *testing.T) {
	begun := time.Now()
	w := newWorld(t)
	t.Run("names", w.names)
	all := w.subscribe(w.people, filters)
	allowed := w.attempts(t)
	t.Run("wills", w.wills)
	t.Run("thefts", w.thefts)
	published := w.canaries()
	w.receiveAll(all, published)
	w.canaries() // whatever was on its way to anybody comes before this
	w.settle(all)
	w.judge(all, false)
	wantAttempts(t, all, allowed)

	late := w.subscribe(w.people, []string{"#", "fc/C/#", "fc/C/e1", "fc/+/+/last", "fc/C/e1/last", "fc/C/e2/presence"})
	w.receiveAll(slices.DeleteFunc(slices.Clone(late), func(s *subscription) bool { return !s.owed() }), []string{"fc/acme/e1/last", "fc/other/e1/last", "fc/acme/e1/presence", "fc/other/e1/presence"})
	w.settle(late)
	w.judge(late, true)

	sessions := w.logins(t)
	t.Run("REST", func(t *testing.T) { w.requests(t, sessions) })
	t.Run("origins", w.origins)
	for _, p := range slices.Concat(w.people, w.fakes, sessions) {
		for _, secret := range []string{p.token, p.cookie} {
			if len(secret) > 20 && strings.Contains(w.Log.String(), secret[len(secret)-20:]) {
				t.Errorf("the credentials of %s are in the log", p.name)
			}
		}
	}
	t.Logf("%d people, %d subscriptions, %d publishes in %v", len(w.people)+len(w.fakes), len(all)+len(late), len(allowed), time.Since(begun).Round(time.Millisecond))
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
