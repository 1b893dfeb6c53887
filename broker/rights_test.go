package broker_test

import (
	"testing"
	"time"

	"fieldcast/broker/brokertest"
)

// A session does not outlive the right to it: whoever comes with new
// credentials after the old ones were revoked finds nothing of what was kept,
// whether the phone was there or away when it happened.
func TestSessionEndsWithItsToken(t *testing.T) {
	for _, tt := range []struct {
		name         string
		away, revoke bool
		present      byte
	}{
		{"renewed", true, false, 1},
		{"revoked while away", true, true, 0},
		{"revoked while connected", false, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokertest.Start(t)
			login := brokertest.Login{ClientID: "phone", Username: "u", Password: "device:acme:e1", Persistent: true}
			old := b.Connect(login)
			old.Subscribe("fc/acme/e1/cmd", 1)
			if tt.away {
				_ = old.Conn.Close()
				brokertest.Eventually(t, "the phone is away", func() bool { return b.Metric("fieldcast_mqtt_connections") == 0 })
			}
			if tt.revoke {
				b.Server.Disconnect([]string{login.Password})
			}
			if !tt.away {
				old.Closed(5 * time.Second)
			}
			login.Password += ":new"
			c := brokertest.Dial(t, b.Addr)
			c.Send(login.Encode())
			p, err := c.Next(5 * time.Second)
			if err != nil || p.Type != brokertest.Connack || p.Body[1] != 0 || p.Body[0] != tt.present {
				t.Errorf("got %+v, %v, want session present %d", p, err, tt.present)
			}
		})
	}
}

// What no topic, filter or will may hold: whoever sends it is cut off or
// refused, and nobody receives anything.
func TestStrangeText(t *testing.T) {
	b := brokertest.Start(t)
	manager := b.As("manager", "acme")
	manager.Subscribe("#", 1)
	for _, version := range []byte{3, 4, 5} {
		for _, text := range []string{
			"fc/acme/e1\x00", "fc/acme/\x00", "fc/acme/\xed\xa0\x80", "fc/acme/\xed\xbf\xbf", "fc/acme/\xc3", "fc/acme/\xff", "fc/acme/\xc0\x80",
			"fc/acme/\xf4\x90\x80\x80", "fc/acme/+", "fc/acme/#", "fc/acme/e1/+", "\x00", "\xff",
		} {
			login := brokertest.Login{Version: version, ClientID: "p", Username: "u", Password: "device:acme:e1"}
			for qos := range byte(3) {
				c := b.Connect(login)
				c.Send(c.PublishPacket(text, []byte("{}"), qos, 1, 1))
				c.Send([]byte{brokertest.Disconnect, 0})
				c.Closed(5 * time.Second)
			}
			c := b.Connect(login)
			body := append([]byte{0, 1}, make([]byte, version/5)...)
			body = append(append(append(body, 0, byte(len(text))), text...), 1)
			c.Send(brokertest.Frame(brokertest.Subscribe|2, body))
			c.Send([]byte{brokertest.Disconnect, 0})
			c.Closed(5 * time.Second)
			login.WillTopic = text
			if code := brokertest.Dial(t, b.Addr).Login(login); code == 0 {
				t.Errorf("MQTT %d: a will on %q is taken", version, text)
			}
		}
	}
	b.Phone("acme", "e1").Acked("fc/acme/e1", "the end", 1)
	if m, err := manager.Receive(5 * time.Second); err != nil || string(m.Payload) != "the end" {
		t.Errorf("the first that a manager received is %+v, %v", m, err)
	}
}
