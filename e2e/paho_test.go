package e2e_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// heard is what a reader has got, in order.
type heard struct {
	mu       sync.Mutex
	raw      []string
	last     float64
	presence string
	connects int
}

func (h *heard) read(see func(*heard) bool) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return see(h)
	}
}

func (h *heard) on(_ mqtt.Client, m mqtt.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch m.Topic() {
	case "fc/acme/e1":
		h.raw = append(h.raw, string(m.Payload()))
	case "fc/acme/e1/last":
		var p track.Position
		if json.Unmarshal(m.Payload(), &p) == nil {
			h.last = p.Lat
		}
	case "fc/acme/e1/presence":
		var p struct{ State string }
		if json.Unmarshal(m.Payload(), &p) == nil {
			h.presence = p.State
		}
	}
}

// TestPahoReader: a program that asks for a persistent session, as the paho
// library's notes advise, and subscribes when it connects. It gets each message
// once and in order within a connection; after a crash of the server it has no
// session left, and gets the present values instead of old messages.
func TestPahoReader(t *testing.T) {
	s := startServer(t, "")
	phone := connectStored(t, s, crew(t, s, 1)[0])
	h := &heard{}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID("integrator").SetUsername("integrator").
		SetPassword(s.token("acme", "integrator", "--topic", "fc/acme/+", "--topic", "fc/acme/+/last", "--topic", "fc/acme/+/presence")).
		SetCleanSession(false).SetStore(mqtt.NewFileStore(t.TempDir())).SetResumeSubs(true).SetOrderMatters(true).
		SetMaxReconnectInterval(200 * time.Millisecond).SetDefaultPublishHandler(h.on)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		token := c.SubscribeMultiple(map[string]byte{"fc/acme/+": 1, "fc/acme/+/last": 1, "fc/acme/+/presence": 1}, nil)
		if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
			t.Errorf("subscribe: %v", token.Error())
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.connects++
	})
	c := mqtt.NewClient(o)
	token := c.Connect()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(50) })
	eventually(t, 10*time.Second, "the reader has subscribed", h.read(func(h *heard) bool { return h.connects == 1 }))

	sent := locations(200)
	var tokens []mqtt.Token
	for _, body := range sent[:150] {
		tokens = append(tokens, phone.Publish("fc/acme/e1", 1, true, body))
	}
	acknowledged(t, tokens)
	eventually(t, 20*time.Second, "the reader has got all, and the last values", h.read(func(h *heard) bool {
		return len(h.raw) >= 150 && h.last == 12.0149 && h.presence == "online"
	}))
	h.mu.Lock()
	sameLines(t, "before the crash", h.raw, sent[:150])
	h.raw = nil
	h.mu.Unlock()

	s.kill()
	eventually(t, 10*time.Second, "the phone has noticed", func() bool { return !phone.IsConnectionOpen() })
	for _, body := range sent[150:] { // kept in the phone's files
		phone.Publish("fc/acme/e1", 1, true, body) // its token says nothing of what comes after a reconnect
	}
	s.start()
	viewer := s.token("acme", "viewer")
	eventually(t, 20*time.Second, "each is stored once", func() bool { return s.stats("acme", viewer).Fixes == 200 })
	eventually(t, 20*time.Second, "the reader has the last values", h.read(func(h *heard) bool {
		return h.connects == 2 && h.last == 12.0199 && h.presence == "online"
	}))
	body := location(300)
	acknowledged(t, []mqtt.Token{phone.Publish("fc/acme/e1", 1, false, body)})
	eventually(t, 20*time.Second, "the reader goes on", h.read(func(h *heard) bool { return len(h.raw) > 0 && h.raw[len(h.raw)-1] == body }))
}

// connectStored connects a phone that keeps in files what it cannot send.
func connectStored(t *testing.T, s *server, phone crowd.Phone) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID(phone.ClientID).SetUsername(phone.Username).SetPassword(phone.Password).
		SetCleanSession(false).SetStore(mqtt.NewFileStore(t.TempDir())).SetMaxReconnectInterval(200 * time.Millisecond)
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

func acknowledged(t *testing.T, tokens []mqtt.Token) {
	t.Helper()
	for i, token := range tokens {
		if !token.WaitTimeout(30*time.Second) || token.Error() != nil {
			t.Fatalf("publish %d: not acknowledged: %v", i, token.Error())
		}
	}
}
