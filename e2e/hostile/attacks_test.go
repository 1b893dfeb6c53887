package hostile_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"fieldcast/broker/brokertest"
)

// attack is what one hostile client does until ctx ends. It returns what must
// have become of it, which is checked afterwards.
type attack struct {
	name, outcome string
	run           func(ctx context.Context, s *site) (verify func())
}

var attacks = append(append(append([]attack{
	{"reader that stalls, QoS 1, 40 kB messages", "cut off", stalledReader},
	{"reader that takes one byte a second", "cut off when 1 MiB waits", byteReader},
	{"reader that never acknowledges", "held to its window, cut off at 4 MiB", neverAcks},
	{"reader with Receive Maximum 1 that is slow", "gets one at a time", receiveMaximumOne},
	{"32,000 levels in SUBSCRIBE", "refused", deepFilter},
	{"subscribes and unsubscribes without end", "served", subscriptionStorm},
	{"keep-alives of 0, 43,691 and 65,535", "held to the server's bounds", keepAlives},
}, doorAttacks...), phoneAttacks...), httpAttacks...)

// open logs in; the client must be let in.
func (s *site) open(l brokertest.Login) *brokertest.Client {
	s.t.Helper()
	c := brokertest.Dial(s.t, s.MQTT)
	if code := c.Login(l); code != 0 {
		s.t.Fatalf("CONNECT is refused with 0x%02x", code)
	}
	return c
}

// evil is the login of an attacker's phone.
func (s *site) evil(n int) brokertest.Login {
	p := s.attackers[n]
	return brokertest.Login{ClientID: p.ClientID, Username: p.Username, Password: p.Password}
}

// reader is the login of somebody who may see everything of the company.
func (s *site) reader() brokertest.Login {
	s.t.Helper()
	token, err := s.Token("acme", "manager")
	must(s.t, err)
	return brokertest.Login{ClientID: fmt.Sprint(rand.Int()), Username: "x", Password: token}
}

// shout publishes large messages of an attacker's phone until ctx ends, as fast
// as they are acknowledged.
func (s *site) shout(ctx context.Context, size int) {
	c := s.open(s.evil(0))
	topic := "fc/acme/" + s.attackers[0].Employee
	for id := uint16(1); ctx.Err() == nil; id = max(id+1, 1) {
		c.Acked(topic, strings.Repeat("x", size), id)
	}
}

func stalledReader(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_slow_consumer_closed_total", "")
	s.open(s.reader()).Subscribe("#", 1)
	s.shout(ctx, 40_000)
	return func() { s.counted("fieldcast_slow_consumer_closed_total", "", before) }
}

func byteReader(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_slow_consumer_closed_total", "")
	c := s.open(s.reader())
	c.Subscribe("#", 0)
	go func() {
		for ctx.Err() == nil {
			if _, err := c.Conn.Read(make([]byte, 1)); err != nil {
				return
			}
			pause(ctx, time.Second)
		}
	}()
	s.shout(ctx, 100_000)
	return func() { s.counted("fieldcast_slow_consumer_closed_total", "", before) }
}

func neverAcks(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_slow_consumer_closed_total", "")
	c := s.open(s.reader())
	c.Subscribe("#", 1)
	go func() {
		for {
			if _, err := c.Next(5 * time.Second); err != nil {
				return
			}
		}
	}()
	s.shout(ctx, 40_000)
	return func() { s.counted("fieldcast_slow_consumer_closed_total", "", before) }
}

// receiveMaximumOne gets what it was promised, one at a time and in order,
// while the company is busy.
func receiveMaximumOne(ctx context.Context, s *site) func() {
	l := s.reader()
	l.Version, l.Properties = 5, []byte{0x21, 0, 1}
	c := s.open(l)
	if code := c.Subscribe("fc/acme/"+s.attackers[0].Employee, 1); code != 1 {
		s.t.Errorf("granted 0x%02x", code)
	}
	phone := s.open(s.evil(0))
	const n = 50
	for id := range uint16(n) {
		phone.Acked("fc/acme/"+s.attackers[0].Employee, fmt.Sprintf("{%d}", id), id+1)
	}
	for i := range n {
		p, err := c.Next(5 * time.Second)
		if err != nil || p.Type != brokertest.Publish {
			s.t.Errorf("message %d: %+v, %v", i, p, err)
			break
		}
		m := c.Message(p)
		if string(m.Payload) != fmt.Sprintf("{%d}", i) {
			s.t.Errorf("message %d is %q", i, m.Payload)
			break
		}
		if i == 1 { // and no second one before the acknowledgement
			if p, err := c.Next(50 * time.Millisecond); err == nil {
				s.t.Errorf("got %+v though one is not acknowledged", p)
			}
		}
		c.Send(brokertest.Frame(brokertest.Puback, binary.BigEndian.AppendUint16(nil, m.ID)))
	}
	<-ctx.Done()
	return func() {}
}

func deepFilter(ctx context.Context, s *site) func() {
	c := s.open(s.reader())
	filter := strings.Repeat("/", 32_000)
	for ctx.Err() == nil {
		if code := c.Subscribe(filter, 1); code != 0x80 {
			s.t.Errorf("granted 0x%02x", code)
		}
	}
	return func() {}
}

func subscriptionStorm(ctx context.Context, s *site) func() {
	c := s.open(s.reader())
	for i := 0; ctx.Err() == nil; i++ {
		filter := fmt.Sprintf("fc/acme/good%d/+", i%60)
		if code := c.Subscribe(filter, byte(i%2)); code > 1 {
			s.t.Errorf("SUBSCRIBE %d: 0x%02x", i, code)
			break
		}
		body := append(binary.BigEndian.AppendUint16([]byte{0, 9}, uint16(len(filter))), filter...)
		c.Send(brokertest.Frame(brokertest.Unsubscribe|2, body))
	}
	return func() {}
}

func keepAlives(ctx context.Context, s *site) func() {
	var all []*brokertest.Client
	for i, keepAlive := range []uint16{0, 43691, 65535} {
		for j, version := range []byte{4, 5} {
			l := s.evil(i)
			l.ClientID, l.Version, l.KeepAlive = fmt.Sprint("k", j), version, keepAlive
			all = append(all, s.open(l))
		}
	}
	<-ctx.Done()
	return func() {
		for _, c := range all {
			if err := c.Ping(); err != nil {
				s.t.Error(err)
			}
		}
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
