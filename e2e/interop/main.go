package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/coder/websocket"

	"fieldcast/simulate/crowd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

// run prints the address it listens on, and serves until ctx ends.
func run(ctx context.Context) error {
	tcp := flag.String("mqtt", "", "host:port of the server's MQTT")
	url := flag.String("websocket", "", "URL of the server's MQTT over WebSocket, instead of -mqtt")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: READER=token interop (-mqtt ADDR | -websocket URL) CREDENTIALS.csv…")
		flag.PrintDefaults()
	}
	flag.Parse()
	p := &proxy{reader: login{user: "reader", password: os.Getenv("READER")}}
	switch {
	case *tcp != "":
		p.dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", *tcp) }
	case *url != "":
		p.dial = func(ctx context.Context) (net.Conn, error) { return dialWebSocket(ctx, *url) }
	default:
		return errors.New("one of -mqtt and -websocket is needed")
	}
	for _, file := range flag.Args() {
		phones, err := crowd.ReadCredentials(file)
		if err != nil {
			return err
		}
		for _, phone := range phones {
			p.phones = append(p.phones, login{user: phone.Username, password: phone.Password, employee: phone.Employee})
		}
	}
	if len(p.phones) == 0 {
		return errors.New("no file with the credentials of phones was named")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Println(listener.Addr())
	return p.serve(ctx, listener)
}

func (p *proxy) serve(ctx context.Context, listener net.Listener) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	context.AfterFunc(ctx, func() {
		_ = listener.Close() // Accept tells
	})
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept: %w", err)
		}
		sessions.Go(func() {
			if err := p.handle(ctx, conn); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "interop:", err) // the suite's output says what became of it
			}
		})
	}
}

// dialWebSocket opens MQTT over WebSocket as a stream [MQTT-5: 6].
func dialWebSocket(ctx context.Context, url string) (net.Conn, error) {
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"mqtt"}}) //nolint:bodyclose // nothing to close, says Dial
	if err != nil {
		return nil, err
	}
	conn := websocket.NetConn(ctx, ws, websocket.MessageBinary)
	ws.SetReadLimit(-1)
	return &webSocket{conn, ws}, nil
}

// webSocket is a web socket as a stream, which Close cuts without a handshake.
type webSocket struct {
	net.Conn
	ws *websocket.Conn
}

func (w *webSocket) Close() error { return w.ws.CloseNow() }
