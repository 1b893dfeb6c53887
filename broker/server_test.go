package broker_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/broker"
	"fieldcast/broker/brokertest"
	"fieldcast/journal"
)

func dialWebSocket(t *testing.T, b *brokertest.Broker, origin string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPHeader: http.Header{}}
	if origin != "" {
		o.HTTPHeader.Set("Origin", origin)
	}
	return websocket.Dial(t.Context(), strings.Replace(b.Web.URL, "http", "ws", 1)+"/mqtt", o)
}

func TestWebSocket(t *testing.T) {
	b := brokertest.Start(t, func(o *broker.Options) { o.Origins = []string{"https://app.example"} })
	for origin, welcome := range map[string]bool{"": true, b.Web.URL: true, "https://app.example": true, "https://evil.example": false, "null": false} {
		ws, resp, err := dialWebSocket(t, b, origin)
		if welcome != (err == nil) {
			t.Errorf("origin %q: got %v", origin, err)
			continue
		}
		if !welcome {
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("origin %q: got %d, want 403", origin, resp.StatusCode)
			}
			continue
		}
		if ws.Subprotocol() != "mqtt" {
			t.Errorf("sub-protocol %q", ws.Subprotocol())
		}
		_ = ws.CloseNow()
	}
}

// Frames mean nothing: a packet may come in many, and many packets in one.
func TestWebSocketFraming(t *testing.T) {
	b := brokertest.Start(t)
	ws, _, err := dialWebSocket(t, b, "")
	if err != nil {
		t.Fatal(err)
	}
	stream := websocket.NetConn(t.Context(), ws, websocket.MessageBinary)
	c := brokertest.NewClient(t, stream)
	for _, x := range (brokertest.Login{ClientID: "x", Username: "u", Password: "device:acme:e1"}).Encode() {
		c.Send([]byte{x})
	}
	if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Connack || p.Body[1] != 0 {
		t.Fatalf("got %+v, %v", p, err)
	}
	var many []byte
	for id := range uint16(50) {
		many = append(many, c.PublishPacket("fc/acme/e1", []byte("{}"), 1, id+1, 0)...)
	}
	c.Send(many)
	for range 50 {
		if p, err := c.Next(5 * time.Second); err != nil || p.Type != brokertest.Puback {
			t.Fatalf("got %+v, %v", p, err)
		}
	}
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Next(5 * time.Second); err == nil {
		t.Error("a text frame is taken for MQTT")
	}
	_ = ws.CloseNow()
}

// Why a web socket is closed arrives, too: when its token ends, and when the
// server does.
func TestWebSocketFarewell(t *testing.T) {
	b := brokertest.Start(t)
	connect := func(id, password string) *brokertest.Client {
		ws, _, err := dialWebSocket(t, b, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		c := brokertest.NewClient(t, websocket.NetConn(t.Context(), ws, websocket.MessageBinary))
		if code := c.Login(brokertest.Login{Version: 5, ClientID: id, Username: "u", Password: password}); code != 0 {
			t.Fatalf("refused with 0x%02x", code)
		}
		return c
	}
	wantBye(t, 5, connect("a", "viewer:acme:v:expires").Closed(5*time.Second), 0x87)
	all := []*brokertest.Client{}
	for i := range 20 {
		all = append(all, connect(strings.Repeat("b", i+1), "viewer:acme:v"))
	}
	b.Close()
	for _, c := range all {
		wantBye(t, 5, c.Closed(5*time.Second), 0x8b)
	}
}

// Close finishes and answers what is under way, says why to MQTT 5, and ends.
func TestClose(t *testing.T) {
	b := brokertest.Start(t)
	if err := b.Server.Status(); err != nil {
		t.Errorf("status: %v", err)
	}
	busy, idle, five := b.Phone("acme", "busy"), b.Phone("acme", "idle"), b.Connect(brokertest.Login{Version: 5, ClientID: "5", Username: "u", Password: "viewer:acme:v"})
	halfOpen := brokertest.Dial(t, b.Addr)
	release := b.Journal.Hold()
	busy.Send(busy.PublishPacket("fc/acme/busy", []byte("{}"), 1, 7, 0))
	if _, err := busy.Next(100 * time.Millisecond); err == nil {
		t.Fatal("acknowledged too early")
	}
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		closed <- b.Server.Close(ctx)
	}()
	wantBye(t, 5, five.Closed(5*time.Second), 0x8b)
	wantBye(t, 4, idle.Closed(5*time.Second), 0)
	halfOpen.Closed(5 * time.Second)
	release()
	if got := busy.Closed(5 * time.Second); len(got) != 1 || got[0].Type != brokertest.Puback {
		t.Errorf("what was under way: got %+v, want its PUBACK", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if b.Server.Status() == nil {
		t.Error("a closed broker is ready")
	}
	if err := b.Server.Close(context.Background()); err != nil {
		t.Errorf("second close: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Server.Listen("tcp", l); err == nil {
		t.Error("a closed broker listens")
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a listener that is not used stays open: %v", err)
	}
	resp, err := b.Web.Client().Get(b.Web.URL + "/mqtt")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("web socket of a closed broker: %+v, %v", resp, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if got := len(b.Journal.Records(journal.Disconnected)); got != 2 {
		t.Errorf("%d phones have left, want 2", got)
	}
}

// An append that hangs does not hang Close for longer than its time.
func TestCloseInTime(t *testing.T) {
	b := brokertest.Start(t)
	phone := b.Phone("acme", "e1")
	b.Journal.Hold()
	phone.Send(phone.PublishPacket("fc/acme/e1", []byte("{}"), 1, 7, 0))
	brokertest.Eventually(t, "the append hangs", func() bool { return b.Metric("fieldcast_publishes_received_total") == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := b.Server.Close(ctx); err == nil {
		t.Error("want the error of the context")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	for _, p := range phone.Closed(5 * time.Second) {
		t.Errorf("got %+v for what is not in the journal", p)
	}
}

func TestNotStarted(t *testing.T) {
	if _, err := broker.New(broker.Options{}); err == nil {
		t.Error("a broker without its parts")
	}
}

// Clients that others wrote.
func TestPaho(t *testing.T) {
	b := brokertest.Start(t)
	for _, url := range []string{"tcp://" + b.Addr, strings.Replace(b.Web.URL, "http", "ws", 1) + "/mqtt"} {
		o := mqtt.NewClientOptions().AddBroker(url).SetClientID("paho").SetUsername("u").SetPassword("device:acme:e1").
			SetWill("fc/acme/e1", `{"_type":"lwt"}`, 0, false).SetCleanSession(false)
		c := mqtt.NewClient(o)
		if token := c.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatalf("%s: %v", url, token.Error())
		}
		if token := c.Subscribe("fc/acme/e1/cmd", 1, nil); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Errorf("%s: subscribe: %v", url, token.Error())
		}
		if token := c.Publish("fc/acme/e1", 1, true, "{}"); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Errorf("%s: publish: %v", url, token.Error())
		}
		c.Disconnect(100)
	}
	if got := len(b.Journal.Records(journal.Message)); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
}

func TestMosquitto(t *testing.T) {
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skip("needs mosquitto_pub: install mosquitto-clients, or run scripts/test")
	}
	b := brokertest.Start(t)
	host, port, _ := strings.Cut(b.Addr, ":")
	for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		for _, qos := range []string{"0", "1", "2"} {
			out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-V", version, "-i", "m", "-u", "u", "-P", "device:acme:e1",
				"-q", qos, "-r", "-t", "fc/acme/e1", "-m", "{}").CombinedOutput()
			if err != nil {
				t.Errorf("%s, QoS %s: %v: %s", version, qos, err, out)
			}
		}
	}
	brokertest.Eventually(t, "all nine have arrived", func() bool { return len(b.Journal.Records(journal.Message)) == 9 })
}
