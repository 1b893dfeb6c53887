package hostile_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"fieldcast/broker/brokertest"
)

// doorAttacks are by strangers, and by who has just come in.
var doorAttacks = []attack{
	{"400 idle connections and half CONNECTs", "closed after the connect timeout", halfOpen},
	{"CONNECT at a byte every 20 ms", "closed after the connect timeout", byteConnect},
	{"500 connections that claim 268 MB before login", "closed at once, nothing is allocated", func(ctx context.Context, s *site) func() { return claims(ctx, s, false) }},
	{"250 readers that claim 268 MB after login", "closed at once, nothing is allocated", func(ctx context.Context, s *site) func() { return claims(ctx, s, true) }},
	{"every packet cut and every bit flipped, TCP", "its own connection ends", mangledTCP},
	{"SUBSCRIBE of MQTT 5 without its options", "its own connection ends", truncatedSubscribe},
	{"logins with wrong passwords", "refused", wrongPasswords},
	{"ever new client ids, sessions that stay", "4 a phone, the oldest forgotten", hoarding},
	{"take-overs in a loop", "one connection is left", takeOvers},
	{"HTTP and TLS at the MQTT port", "closed at once", garbage},
}

func halfOpen(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_refused_total", "connect_timeout")
	packet := s.evil(0).Encode()
	for i := range 400 {
		brokertest.Dial(s.t, s.MQTT).Send(packet[:i%len(packet)])
	}
	<-ctx.Done()
	return func() { s.counted("fieldcast_mqtt_refused_total", "connect_timeout", before+390) }
}

func byteConnect(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_refused_total", "connect_timeout")
	c := brokertest.Dial(s.t, s.MQTT)
	for _, b := range s.evil(0).Encode() {
		if _, err := c.Conn.Write([]byte{b}); err != nil || ctx.Err() != nil {
			break
		}
		pause(ctx, 20*time.Millisecond)
	}
	<-ctx.Done()
	return func() { s.counted("fieldcast_mqtt_refused_total", "connect_timeout", before) }
}

// claims of 268 MB, again and again.
func claims(ctx context.Context, s *site, loggedIn bool) func() {
	metric, label, n := "fieldcast_mqtt_refused_total", "connect_too_large", 500
	if loggedIn {
		metric, label, n = "fieldcast_mqtt_closed_total", "packet_too_large", 250
	}
	before := s.labelled(metric, label)
	login := s.reader()
	var all []*brokertest.Client
	for i := range n {
		if !loggedIn {
			all = append(all, brokertest.Dial(s.t, s.MQTT))
			continue
		}
		login.ClientID = fmt.Sprint("claim", i)
		all = append(all, s.open(login))
	}
	for _, c := range all {
		first := byte(brokertest.Connect)
		if loggedIn {
			first = brokertest.Subscribe | 2
		}
		c.Send([]byte{first, 0xff, 0xff, 0xff, 0x7f, 0, 0})
	}
	for _, c := range all {
		c.Closed(5 * time.Second)
	}
	<-ctx.Done()
	return func() { s.counted(metric, label, before+float64(n)-1) }
}

func mangledTCP(ctx context.Context, s *site) func() {
	mangled(ctx, s, func() *brokertest.Client { return brokertest.Dial(s.t, s.MQTT) })
	return func() {}
}

// mangled sends every packet of both versions, damaged in every way, each by a
// connection of its own; as many as there is time for, all of them in a long
// run.
func mangled(ctx context.Context, s *site, dial func() *brokertest.Client) {
	l := s.evil(1)
	l.ClientID = "m"
	for _, version := range []byte{4, 5} {
		l.Version = version
		for name, packet := range brokertest.Packets(version, l.Password) {
			for _, damaged := range brokertest.Mangle(packet) {
				if ctx.Err() != nil {
					return
				}
				c := dial()
				if name != "CONNECT" {
					c.Login(l)
				}
				c.Send(damaged)
				_ = c.Conn.Close()
			}
		}
	}
}

func truncatedSubscribe(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_panics_total", "")
	l := s.reader()
	l.Version = 5
	for ctx.Err() == nil {
		c := s.open(l)
		c.Send([]byte{brokertest.Subscribe | 2, 6, 0, 1, 0, 0, 1, 'a'})
		c.Closed(5 * time.Second)
	}
	return func() { s.counted("fieldcast_mqtt_panics_total", "", before) }
}

func wrongPasswords(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_auth_failures_total", "bad_signature")
	l := s.evil(0)
	l.Password = l.Password[:len(l.Password)-4] + "AAAA"
	for ctx.Err() == nil {
		c := brokertest.Dial(s.t, s.MQTT)
		if code := c.Login(l); code == 0 {
			s.t.Error("a wrong password is let in")
		}
		_ = c.Conn.Close()
	}
	return func() { s.counted("fieldcast_auth_failures_total", "bad_signature", before) }
}

func hoarding(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_dropped_total", "session_evicted")
	l := s.evil(2)
	l.Persistent = true
	for i := 0; ctx.Err() == nil; i++ {
		l.ClientID = fmt.Sprint("hoard", i)
		c := brokertest.Dial(s.t, s.MQTT)
		if c.Login(l) == 0 {
			c.Subscribe("fc/acme/"+s.attackers[2].Employee+"/cmd", 1)
		}
		_ = c.Conn.Close()
	}
	return func() { s.counted("fieldcast_mqtt_dropped_total", "session_evicted", before) }
}

func takeOvers(ctx context.Context, s *site) func() {
	l := s.evil(3)
	l.Persistent = true
	for ctx.Err() == nil {
		c := brokertest.Dial(s.t, s.MQTT)
		c.Send(l.Encode())
	}
	return func() {
		s.eventually("one connection of the attacker is left", func() bool { return s.labelled("fieldcast_mqtt_connections", "device") == 1 })
	}
}

func garbage(ctx context.Context, s *site) func() {
	before := s.labelled("fieldcast_mqtt_refused_total", "not_connect")
	for ctx.Err() == nil {
		for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"} {
			c, err := net.Dial("tcp", s.MQTT)
			must(s.t, err)
			_, _ = c.Write([]byte(text)) // it may be closed
			_ = c.Close()
		}
	}
	return func() { s.counted("fieldcast_mqtt_refused_total", "not_connect", before) }
}
