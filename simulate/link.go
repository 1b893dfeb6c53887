package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Times of a connection.
const (
	connectTimeout = 10 * time.Second
	writeTimeout   = 5 * time.Second
	keepAlive      = 60 * time.Second
	// ackTimeout is how long a phone waits for an acknowledgement before it
	// takes the connection for dead. A broker whose disk is full never sends
	// one, and a 3.1.1 client may send again only on a new connection.
	ackTimeout = 30 * time.Second
	goodbye    = 250 * time.Millisecond
)

// lwt is the will that OwnTracks leaves on its base topic.
const lwt = `{"_type":"lwt"}`

// link is one connection of a phone: a client of its own, which is thrown away
// with the connection, so that nothing that the library has queued outlives it.
type link struct {
	client  mqtt.Client
	lost    chan error      // receives once, when the other end breaks the connection
	handed  chan mqtt.Token // receives after each publish
	senders *sync.WaitGroup // counts publishes under way

	mu   sync.Mutex
	conn net.Conn // to drop without a word, as a tunnel does
}

// dial connects. Commands for the phone go to onCommand, on goroutines of the
// library. When ctx ends, dial stops; the connection itself lives on. Senders
// counts goroutines that may outlive the connection by writeTimeout.
func dial(ctx context.Context, broker string, p Phone, onCommand func([]byte), senders *sync.WaitGroup) (*link, error) {
	l := &link{lost: make(chan error, 1), handed: make(chan mqtt.Token, 1), senders: senders}
	base := p.topic()
	o := mqtt.NewClientOptions().
		AddBroker(broker).
		SetClientID(p.ClientID).SetUsername(p.Username).SetPassword(p.Password).
		SetProtocolVersion(4).
		SetCleanSession(false).
		SetAutoReconnect(false).SetConnectRetry(false).
		SetOrderMatters(false).
		SetKeepAlive(keepAlive).SetPingTimeout(10*time.Second).
		SetConnectTimeout(connectTimeout).SetWriteTimeout(writeTimeout).
		SetWill(base, lwt, 0, false).
		SetCustomOpenConnectionFn(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) { return l.open(ctx, u, o) }).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { onCommand(m.Payload()) }).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.lost <- err })
	l.client = mqtt.NewClient(o)
	token := l.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		l.drop()
		<-token.Done() // at once: its connection is closed
	}
	if err := token.Error(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", broker, err)
	}
	if err := l.subscribe(ctx, base+"/cmd"); err != nil {
		l.abandon()
		return nil, err
	}
	return l, nil
}

// open makes the network connection and remembers it.
func (l *link) open(ctx context.Context, u *url.URL, o mqtt.ClientOptions) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	switch u.Scheme {
	case "ws", "wss":
		conn, err = mqtt.NewWebsocket(u.String(), o.TLSConfig, connectTimeout, nil, nil)
	case "tls":
		conn, err = (&tls.Dialer{Config: o.TLSConfig}).DialContext(ctx, "tcp", u.Host)
	default:
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), conn.Close())
	}
	l.conn = conn
	return conn, nil
}

func (l *link) subscribe(ctx context.Context, topic string) error {
	token := l.client.Subscribe(topic, 1, nil)
	wait := time.NewTimer(ackTimeout)
	defer wait.Stop()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("subscribe to %s: %w", topic, err)
		}
		return nil
	case err := <-l.lost:
		return fmt.Errorf("connection lost: %w", err)
	case <-wait.C:
		return errors.New("the broker does not answer a subscription")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// publish hands a message over; its token comes by l.handed. Only one message
// may be under way. A separate goroutine does it, because the library may need
// all of writeTimeout to notice that the connection has broken meanwhile.
func (l *link) publish(topic string, body []byte) {
	l.senders.Go(func() { l.handed <- l.client.Publish(topic, 1, false, body) })
}

// drop closes the network connection without a word.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		// The other end is gone as far as this phone knows: nobody to tell.
		_ = l.conn.Close()
	}
}

// abandon ends the connection without saying goodbye: the broker publishes the
// will.
func (l *link) abandon() {
	l.drop()
	l.disconnect() // its goodbye goes nowhere; it ends the library's goroutines
}

// disconnect says goodbye: no will is published.
func (l *link) disconnect() {
	l.client.Disconnect(uint(goodbye / time.Millisecond))
	l.drop()
}
