package broker_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fieldcast/broker/brokertest"
	"fieldcast/feed"
	"fieldcast/track"
)

func people(company string, n int) []track.Position {
	at := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	all := make([]track.Position, n)
	for i := range all {
		all[i] = track.Position{Fix: track.Fix{
			Company: company, Employee: fmt.Sprintf("e%d", i), Lat: 12.9, Lon: 77.6, RecordedAt: at, ReceivedAt: at, Seq: uint64(i + 1),
		}, Name: fmt.Sprintf("Person %d", i), State: track.StateLive, Changed: uint64(i + 1)}
	}
	return all
}

// Ten thousand people to a reader that takes its time: all are there, with the
// retain flag, and nobody of another company.
func TestSnapshotIsComplete(t *testing.T) {
	const n = 10_000
	for _, qos := range []byte{0, 1} {
		b := brokertest.Start(t)
		b.People.Set(append(people("acme", n), people("other", 5)...))
		c := b.As("viewer", "acme")
		if code := c.Subscribe("fc/acme/+/last", qos); code != qos {
			t.Fatalf("SUBACK 0x%02x", code)
		}
		seen := map[string]bool{}
		for i := range n {
			m, err := c.Receive(10 * time.Second)
			if err != nil {
				t.Fatalf("QoS %d: after %d people: %v", qos, len(seen), err)
			}
			var p track.Position
			if err := json.Unmarshal(m.Payload, &p); err != nil || !m.Retain || m.QoS != qos || p.Company != "acme" || m.Topic != "fc/acme/"+p.Employee+"/last" {
				t.Fatalf("got %+v, %v", m, err)
			}
			seen[p.Employee] = true
			if i == 100 {
				time.Sleep(300 * time.Millisecond) // the reader's pause
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d people", len(seen), n)
		}
		if err := c.Ping(); err != nil {
			t.Errorf("something came behind: %v", err)
		}
		if got := b.Metric("fieldcast_mqtt_dropped_total"); got != 0 {
			t.Errorf("%v were dropped", got)
		}
	}
}

// Live changes follow the snapshot; a filter for one person brings one.
func TestSnapshotThenChanges(t *testing.T) {
	b := brokertest.Start(t)
	all := people("acme", 3)
	b.People.Set(all)
	c := b.As("manager", "acme")
	c.Subscribe("fc/acme/e1/last", 1)
	if m, err := c.Receive(5 * time.Second); err != nil || m.Topic != "fc/acme/e1/last" || !m.Retain {
		t.Fatalf("got %+v, %v", m, err)
	}
	moved := all[1]
	moved.Lat, moved.Seq = 13, 99
	b.Hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: 99, Position: &moved})
	other := all[2]
	b.Hub.Publish(feed.Event{Company: "acme", Employee: "e2", Seq: 100, Position: &other})
	m, err := c.Receive(5 * time.Second)
	var p track.Position
	if err != nil || json.Unmarshal(m.Payload, &p) != nil || p.Lat != 13 || m.Retain {
		t.Errorf("got %+v, %v", m, err)
	}
	if err := c.Ping(); err != nil {
		t.Error(err)
	}
}

func TestPresenceSnapshot(t *testing.T) {
	b := brokertest.Start(t)
	b.People.Set(people("acme", 3))
	c := b.As("viewer", "acme")
	c.Subscribe("fc/acme/+/presence", 0)
	for range 3 {
		m, err := c.Receive(5 * time.Second)
		var p track.Presence
		if err != nil || json.Unmarshal(m.Payload, &p) != nil || p.State != track.Online || !m.Retain {
			t.Errorf("got %+v, %v", m, err)
		}
	}
}

// Who asks for none gets none: retain handling 2, shared subscriptions, phones.
func TestNoSnapshot(t *testing.T) {
	b := brokertest.Start(t)
	b.People.Set(people("acme", 3))
	for name, tt := range map[string]struct {
		password, filter string
		options          byte
	}{
		"retain handling 2": {"viewer:acme:v", "fc/acme/+/last", 0x21},
		"shared":            {"viewer:acme:v", "$share/g/fc/acme/+/last", 1},
		"a phone":           {"device:acme:e1", "#", 1},
		"an integrator":     {"integrator:acme:i", "fc/acme/+/presence", 1},
	} {
		c := b.Connect(brokertest.Login{Version: 5, ClientID: name, Username: "u", Password: tt.password})
		c.Subscribe(tt.filter, tt.options)
		if err := c.Ping(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client whose Receive Maximum is small is granted QoS 0: no promise that is
// not kept.
func TestSmallReceiveMaximum(t *testing.T) {
	b := brokertest.Start(t)
	for maximum, want := range map[byte]byte{5: 0, 200: 0} {
		c := b.Connect(brokertest.Login{Version: 5, ClientID: "r", Username: "u", Password: "viewer:acme:v", Properties: []byte{0x21, 0, maximum}})
		if code := c.Subscribe("fc/acme/+/last", 1); code != want {
			t.Errorf("Receive Maximum %d: granted 0x%02x", maximum, code)
		}
	}
	c := b.Connect(brokertest.Login{Version: 5, ClientID: "r", Username: "u", Password: "viewer:acme:v", Properties: []byte{0x21, 4, 0}})
	if code := c.Subscribe("fc/acme/+/last", 1); code != 1 {
		t.Errorf("Receive Maximum 1024: granted 0x%02x", code)
	}
}
