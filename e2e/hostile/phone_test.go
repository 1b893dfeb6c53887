package hostile_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"fieldcast/broker/brokertest"
)

// phoneAttacks are by a phone that has logged in.
var phoneAttacks = []attack{
	{"65,535 QoS 2 messages without PUBREL", "held to 1,024 unfinished ones", halfQoS2},
	{"publishes as fast as it goes", "held up at 100 a second", publishFlood},
	{"topics of 65,535 levels and of others", "acknowledged, kept as rejected", strangeTopics},
	{"messages of 5 MB", "acknowledged, the beginning kept as rejected", oversize},
	{"topics that are not UTF-8, wildcards, empty", "its own connection ends, or kept as rejected", brokenTopics},
}

func halfQoS2(ctx context.Context, s *site) func() {
	c := s.open(s.evil(4))
	topic := "fc/acme/" + s.attackers[4].Employee
	answered := 0
	for id := 1; id <= math.MaxUint16 && ctx.Err() == nil; id++ {
		c.Send(c.PublishPacket(topic, []byte("{}"), 2, uint16(id), 0))
		if _, err := c.Next(3 * time.Second); err != nil {
			break
		}
		answered++
	}
	<-ctx.Done()
	if answered > 1100 {
		s.t.Errorf("%d half-finished messages were taken", answered)
	}
	return func() {}
}

func publishFlood(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_publish_delayed_seconds_total", "")
	c := s.open(s.evil(1))
	topic := "fc/acme/" + s.attackers[1].Employee
	acked, sent := 0, 0
	for ctx.Err() == nil {
		for range 100 {
			sent++
			c.Send(c.PublishPacket(topic, []byte("{}"), 1, uint16(sent%math.MaxUint16+1), 0))
		}
		for ; acked < sent && ctx.Err() == nil; acked++ {
			if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Puback {
				s.t.Errorf("after %d acknowledgements: %+v, %v", acked, p, err)
				return func() {}
			}
		}
	}
	return func() { s.counted("fieldcast_mqtt_publish_delayed_seconds_total", "", before) }
}

func strangeTopics(ctx context.Context, s *site) func() {
	c := s.open(s.evil(2))
	for id := uint16(1); ctx.Err() == nil; id = max(id+1, 1) {
		topics := []string{strings.Repeat("/", math.MaxUint16), "fc/other/e1", "$SYS/broker", "$share/g/fc/acme/e1", "fc/acme/good1", "fc/acme/_live"}
		topic := topics[int(id)%len(topics)]
		c.Acked(topic, "{}", id)
	}
	return func() {}
}

func oversize(ctx context.Context, s *site) func() {
	c := s.open(s.evil(3))
	body := strings.Repeat("x", 5<<20)
	for id := uint16(1); ctx.Err() == nil; id = max(id+1, 1) {
		c.Acked("fc/acme/"+s.attackers[3].Employee, body, id)
	}
	return func() {}
}

func brokenTopics(ctx context.Context, s *site) func() {
	bodies := []string{
		"\x00\x03a/#\x00\x01{}", "\x00\x03a/+\x00\x01{}", "\x00\x00\x00\x01{}", "\x00\x02\xc3\x28\x00\x01{}", "\x00\x03\xed\xa0\x80\x00\x01{}",
		"\x00\x03a\x00b\x00\x01{}", "\x00\x03\xef\xbf\xbf\x00\x01{}", "\xff\xffa", "\x00\x01a\x00\x00{}",
	}
	for i := 0; ctx.Err() == nil; i++ {
		l := s.evil(0)
		l.ClientID, l.Version = fmt.Sprint("b", i%2), byte(4+i%2)
		c := s.open(l)
		c.Send(brokertest.Frame(brokertest.Publish|2, []byte(bodies[i/2%len(bodies)])))
		_, _ = c.Next(20 * time.Millisecond) // whatever it is
		_ = c.Conn.Close()
	}
	return func() {}
}
