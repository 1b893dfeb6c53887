package broker_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"fieldcast/broker"
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

// What a client gets of a person never goes back, though people move while a
// snapshot is on its way to a slow reader, and the feed is late.
func TestSnapshotOrder(t *testing.T) {
	const n, moves = 2000, 6000
	for _, qos := range []byte{0, 1} {
		b := brokertest.Start(t, func(o *broker.Options) { o.Limits.PendingBytes = 8 << 20; o.Limits.UnackedBytes = 64 << 20 })
		all := people("acme", n)
		b.People.Set(all)
		c := b.As("viewer", "acme")
		if code := c.Subscribe("fc/acme/+/last", qos); code != qos {
			t.Fatalf("SUBACK 0x%02x", code)
		}
		moving := make(chan struct{})
		go func() {
			defer close(moving)
			var late []feed.Event
			for i := range moves {
				p := all[i%n]
				p.Seq, p.Changed = uint64(n+i+1), uint64(n+i+1)
				b.People.Move(p) // the table first, as the bridge does
				late = append(late, feed.Event{Company: "acme", Employee: p.Employee, Seq: p.Changed, Position: &p})
				if len(late) == 100 {
					for _, e := range late {
						b.Hub.Publish(e)
					}
					late = nil
					time.Sleep(time.Millisecond) // the pace of the feed
				}
			}
		}()
		seen := map[string]uint64{}
		settled := 0
		for settled < n {
			m, err := c.Receive(10 * time.Second)
			if err != nil {
				t.Fatalf("QoS %d: %d of %d people have arrived where they are: %v", qos, settled, n, err)
			}
			var p track.Position
			if err := json.Unmarshal(m.Payload, &p); err != nil {
				t.Fatal(err)
			}
			if p.Changed < seen[p.Employee] || (p.Changed == seen[p.Employee] && !m.Retain) {
				t.Fatalf("QoS %d: %s was at %d and then at %d, retained %v", qos, p.Employee, seen[p.Employee], p.Changed, m.Retain)
			}
			if before := seen[p.Employee]; before <= moves && p.Changed > moves {
				settled++
			}
			seen[p.Employee] = p.Changed
		}
		<-moving
	}
}

// A presence that has changed meanwhile is not followed by the one before.
func TestPresenceOrder(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.PendingBytes = 64 << 10 })
	all := people("acme", 5000)
	b.People.Set(all)
	c := b.As("viewer", "acme")
	c.Subscribe("fc/acme/+/presence", 1)
	last := all[len(all)-1]
	b.Hub.Publish(feed.Event{Company: "acme", Employee: "e999", Seq: 10_000, Presence: &track.Presence{State: track.Offline, Since: last.RecordedAt}})
	states, arrived := map[string]track.PresenceState{}, 0
	for arrived < len(all) || states["fc/acme/e999/presence"] != track.Offline {
		m, err := c.Receive(10 * time.Second)
		var p track.Presence
		if err != nil || json.Unmarshal(m.Payload, &p) != nil {
			t.Fatalf("after %d: %+v, %v", arrived, m, err)
		}
		if _, there := states[m.Topic]; !there {
			arrived++
		}
		states[m.Topic] = p.State
	}
	if err := c.Ping(); err != nil {
		t.Error(err)
	}
}

// Retain handling 1: the present values come with a new subscription only.
func TestRetainHandling(t *testing.T) {
	b := brokertest.Start(t)
	b.People.Set(people("acme", 3))
	c := b.Connect(brokertest.Login{Version: 5, ClientID: "r", Username: "u", Password: "viewer:acme:v"})
	for round, want := range []int{3, 0, 0} {
		c.Subscribe("fc/acme/+/last", 0x11)
		for range want {
			if m, err := c.Receive(5 * time.Second); err != nil || !m.Retain {
				t.Fatalf("round %d: got %+v, %v", round, m, err)
			}
		}
		if err := c.Ping(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	c.Subscribe("fc/acme/+/last", 0x01)
	for range 3 {
		if _, err := c.Receive(5 * time.Second); err != nil {
			t.Error(err)
		}
	}
}

// No more is in flight than a client's Receive Maximum, and everything comes.
func TestReceiveMaximum(t *testing.T) {
	b := brokertest.Start(t)
	const n = 300
	b.People.Set(people("acme", n))
	c := b.Connect(brokertest.Login{Version: 5, ClientID: "r", Username: "u", Password: "viewer:acme:v", Properties: []byte{0x21, 0, 5}})
	if code := c.Subscribe("fc/acme/+/last", 1); code != 1 {
		t.Fatalf("granted 0x%02x", code)
	}
	for i := range n {
		b.Hub.Publish(feed.Event{Company: "acme", Employee: "e0", Seq: uint64(n + i), Position: &track.Position{Fix: track.Fix{Company: "acme", Employee: "e0", Seq: uint64(n + i)}}})
	}
	var unacked []uint16
	for got := 0; got < 2*n; {
		p, err := c.Next(500 * time.Millisecond)
		if err == nil {
			unacked = append(unacked, c.Message(p).ID)
			got++
			if len(unacked) > 5 {
				t.Fatalf("%d are in flight", len(unacked))
			}
			if len(unacked) < 5 && got < 2*n {
				continue
			}
		}
		if len(unacked) == 0 {
			t.Fatalf("%d of %d have come, and no more: %v", got, 2*n, err)
		}
		for _, id := range unacked {
			c.Send(brokertest.Frame(brokertest.Puback, binary.BigEndian.AppendUint16(nil, id)))
		}
		unacked = nil
	}
	if err := c.Ping(); err != nil {
		t.Error(err)
	}
}

// A reader whose own messages use the packet ids of those that are in flight to
// it loses none of them, and its window does not shrink.
func TestPacketIDCollision(t *testing.T) {
	b := brokertest.Start(t)
	for _, version := range []byte{4, 5} {
		l := brokertest.Login{Version: version, ClientID: "c", Username: "u", Password: "integrator:acme:i"}
		if version == 5 {
			l.Properties = []byte{0x21, 0, 1} // a window of one
		}
		c := b.Connect(l)
		c.Subscribe("fc/acme/+/last", 1)
		for i := range uint64(20) {
			b.Hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: i + 1, Position: &track.Position{Changed: i + 1}})
			p, err := c.Next(5 * time.Second)
			if err != nil {
				t.Fatalf("MQTT %d: after %d messages: %v", version, i, err)
			}
			m := c.Message(p)
			var got track.Position
			if json.Unmarshal(m.Payload, &got) != nil || got.Changed != i+1 {
				t.Fatalf("MQTT %d: message %d is %s", version, i, m.Payload)
			}
			if p, err := c.Publish("fc/acme/e1", []byte("{}"), 1, m.ID); err != nil || p.Type != brokertest.Puback { // not a phone: refused, and answered
				t.Fatalf("MQTT %d: got %+v, %v", version, p, err)
			}
			c.Send(brokertest.Frame(brokertest.Puback, binary.BigEndian.AppendUint16(nil, m.ID)))
		}
	}
}

// A burst is not too much for a reader that keeps up, and nothing is missing
// with QoS 1 or 0.
func TestBurst(t *testing.T) {
	b := brokertest.Start(t)
	const n = 3000
	for _, qos := range []byte{0, 1} {
		c := b.Connect(brokertest.Login{ClientID: "burst", Username: "u", Password: "integrator:acme:i"})
		c.Subscribe("fc/acme/+/last", qos)
		go func() {
			for i := range n {
				b.Hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: uint64(i + 1), Position: &track.Position{Changed: uint64(i + 1)}})
			}
		}()
		for i := range n {
			m, err := c.Receive(10 * time.Second)
			var p track.Position
			if err != nil || json.Unmarshal(m.Payload, &p) != nil || p.Changed != uint64(i+1) {
				t.Fatalf("QoS %d: message %d: got %+v, %v", qos, i+1, p.Changed, err)
			}
		}
		_ = c.Conn.Close()
	}
	if got := b.Metric("fieldcast_slow_consumer_closed_total") + b.Metric("fieldcast_mqtt_dropped_total"); got != 0 {
		t.Errorf("%v were dropped or cut off", got)
	}
}

// A reader that takes messages and acknowledges none is cut off: what is in
// flight to it is memory.
func TestNoAcks(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.UnackedBytes = 100 << 10 })
	c := b.As("integrator", "acme")
	c.Subscribe("fc/acme/+/last", 1)
	for i := range 1000 {
		b.Hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: uint64(i + 1), Position: &track.Position{}})
	}
	if got := len(c.Closed(5 * time.Second)); got > 100 {
		t.Errorf("%d messages were sent", got)
	}
	brokertest.Eventually(t, "it is counted", func() bool { return b.Metric("fieldcast_mqtt_closed_total", "slow_consumer") == 1 })
}

// A shared subscription's messages go to one of the group, and never to one
// who may not see them.
func TestShared(t *testing.T) {
	b := brokertest.Start(t)
	manager := b.As("manager", "acme")
	manager.Subscribe("$share/g/fc/acme/+/+", 1)
	viewer := b.As("integrator", "acme") // may see last only
	viewer.Subscribe("$share/g/fc/acme/+/+", 1)
	for i := range 50 {
		b.Hub.Publish(feed.Event{Company: "acme", Employee: "e1", Seq: uint64(i + 1), Presence: &track.Presence{State: track.Online}})
	}
	for range 50 {
		if m, err := manager.Receive(5 * time.Second); err != nil || m.Topic != "fc/acme/e1/presence" {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
	if err := viewer.Ping(); err != nil {
		t.Error(err)
	}
}
