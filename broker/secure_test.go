package broker_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/listen"
	"fieldcast/listen/listentest"
)

// The door holds with TLS as well: nobody who stalls in a handshake, or does
// not read, holds up others, and a goodbye arrives.
func TestTLS(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) {
		o.Limits.ConnectTimeout = time.Second
		o.Limits.StallTimeout = time.Second
	})
	authority := listentest.NewAuthority(t)
	cert, key := authority.Issue(t.TempDir(), "server")
	files, err := listen.OpenFiles(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	addr := b.Listen(listen.Options{TLS: listen.ForMQTT(files)})
	connect := func(l brokertest.Login) *brokertest.Client {
		inner, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: authority.Pool})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = inner.Close() })
		c := brokertest.NewClient(t, inner)
		if code := c.Login(l); code != 0 {
			t.Fatalf("refused with 0x%02x", code)
		}
		return c
	}

	stop := good(b, 3)
	silent, plain := brokertest.Dial(t, addr), brokertest.Dial(t, addr)
	plain.Send(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}.Encode()) // no TLS
	plain.Closed(5 * time.Second)
	silent.Closed(5 * time.Second)
	brokertest.Eventually(t, "both failed handshakes are counted", func() bool { return b.Metric("fieldcast_mqtt_refused_total", "handshake") == 2 })

	phone := connect(brokertest.Login{Version: 5, ClientID: "p", Username: "u", Password: "device:acme:e1"})
	phone.Acked("fc/acme/e1", "{}", 1)
	stalled := connect(brokertest.Login{ClientID: "s", Username: "u", Password: "manager:acme:m"})
	stalled.Subscribe("#", 0)
	for id := range uint16(400) {
		phone.Send(phone.PublishPacket("fc/acme/e1", make([]byte, 40_000), 1, id+2, 0))
		if p, err := phone.Next(patience); err != nil || p.Type != brokertest.Puback {
			t.Fatalf("message %d: %+v, %v", id, p, err)
		}
	}
	brokertest.Eventually(t, "the stalled reader is cut off", func() bool { return b.Metric("fieldcast_mqtt_connections", "manager") == 0 })
	stop()
	b.Close()
	wantBye(t, 5, phone.Closed(5*time.Second), 0x8b)
}

// Behind a load balancer, connections are counted by the client's address.
func TestAddressBehindProxy(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Limits.ConnectionsPerAddress = 2 })
	proxies, err := listen.Prefixes([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	addr := b.Listen(listen.Options{Proxies: proxies})
	connect := func(id, from string) *brokertest.Client {
		c := brokertest.Dial(t, addr)
		c.Send([]byte("PROXY TCP4 " + from + " 127.0.0.1 4711 1883\r\n"))
		c.Send(brokertest.Login{ClientID: id, Username: "u", Password: "device:acme:" + id}.Encode())
		return c
	}
	for i := range 4 {
		c := connect(strings.Repeat("e", i+1), net.IPv4(203, 0, 113, byte(i/2)).String())
		if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Connack || p.Body[1] != 0 {
			t.Fatalf("phone %d: %+v, %v", i, p, err)
		}
	}
	if p, err := connect("one-more", "203.0.113.1").Next(5 * time.Second); err == nil {
		t.Errorf("a third from one address: got %+v", p)
	}
	brokertest.Eventually(t, "it is counted", func() bool { return b.Metric("fieldcast_mqtt_refused_total", "connections_per_address") == 1 })
	garbage := brokertest.Dial(t, addr)
	garbage.Send(brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}.Encode())
	if _, err := garbage.Next(5 * time.Second); err == nil {
		t.Error("a connection of the load balancer without a header is served")
	}
	brokertest.Eventually(t, "that is counted", func() bool { return b.Metric("fieldcast_mqtt_refused_total", "handshake") == 1 })
}
