package hostile_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"fieldcast/broker/brokertest"
)

// httpAttacks come by the other door.
var httpAttacks = []attack{
	{"every packet cut and every bit flipped, WebSocket", "its own connection ends", mangledWebSocket},
	{"web sockets of another origin", "403", foreignOrigin},
	{"WebSocket: text, huge claims, pings and fragments without end", "its own connection ends", badFrames},
	{"300 HTTP requests that never end", "closed after 10 s", slowHTTP},
	{"logins of people with wrong passwords, 20 at a time", "429 after 10 for an account, 30 for an address", guessing},
}

func mangledWebSocket(ctx context.Context, s *site) func() {
	mangled(ctx, s, func() *brokertest.Client {
		ws, _, err := websocket.Dial(s.t.Context(), "ws://"+s.HTTP+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
		must(s.t, err)
		return brokertest.NewClient(s.t, websocket.NetConn(s.t.Context(), ws, websocket.MessageBinary))
	})
	return func() {}
}

func foreignOrigin(ctx context.Context, s *site) func() {
	for ctx.Err() == nil {
		_, resp, err := websocket.Dial(ctx, "ws://"+s.HTTP+"/mqtt", &websocket.DialOptions{
			Subprotocols: []string{"mqtt"}, HTTPHeader: http.Header{"Origin": {"https://evil.example"}},
		})
		if ctx.Err() == nil && (err == nil || resp == nil || resp.StatusCode != http.StatusForbidden) {
			s.t.Errorf("got %+v, %v", resp, err)
			return func() {}
		}
	}
	return func() {}
}

// upgrade opens a web socket whose frames the attacker writes himself.
func (s *site) upgrade() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.HTTP)
	must(s.t, err)
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	_, err = fmt.Fprintf(c, "GET /mqtt HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Key: %s\r\n\r\n", s.HTTP, base64.StdEncoding.EncodeToString(key))
	must(s.t, err)
	must(s.t, c.SetDeadline(time.Now().Add(5*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(s.t, err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("the web socket is answered with %s", resp.Status)
	}
	return c
}

// frame is a masked frame; the mask is zero.
func frame(first byte, payload []byte) []byte {
	b := []byte{first, 0x80 | 126}
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(append(b, 0, 0, 0, 0), payload...)
}

func badFrames(ctx context.Context, s *site) func() {
	connect := s.evil(0).Encode()
	huge := append([]byte{0x82, 0x80 | 127}, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x10)
	for ctx.Err() == nil {
		for _, bad := range [][]byte{
			frame(0x81, connect),               // text
			huge,                               // a frame of 2^62 bytes
			frame(0x83, connect),               // an opcode that there is not
			frame(0x80, connect),               // the rest of no message
			append(frame(0x82, connect), 0xff), // reserved bits
			{0x82, byte(len(connect))},         // not masked
			[]byte(strings.Repeat("\x02\x80\x00\x00\x00\x00", 1000)), // fragments of nothing
			[]byte(strings.Repeat("\x89\x80\x00\x00\x00\x00", 1000)), // pings
		} {
			c := s.upgrade()
			_, _ = c.Write(bad) // it may be closed
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}
	return func() {}
}

func slowHTTP(ctx context.Context, s *site) func() {
	var all []net.Conn
	for i := range 300 {
		c, err := net.Dial("tcp", s.HTTP)
		must(s.t, err)
		text := "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
		_, err = io.WriteString(c, text[:len(text)*(i%3+1)/3])
		must(s.t, err)
		all = append(all, c)
	}
	<-ctx.Done()
	if code := s.Status("/healthz", ""); code != http.StatusOK {
		s.t.Errorf("others are answered %d", code)
	}
	return func() {
		for _, c := range all {
			_ = c.Close()
		}
	}
}

func guessing(ctx context.Context, s *site) func() {
	var mu sync.Mutex
	codes := map[int]int{}
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				body := fmt.Sprintf(`{"email":"%d-%d@acme.example","password":"wrong password"}`, n, i)
				resp, err := http.Post("http://"+s.HTTP+"/api/v1/login", "application/json", strings.NewReader(body)) //nolint:noctx // of this machine
				if err != nil {
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				mu.Lock()
				codes[resp.StatusCode]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return func() {
		if codes[http.StatusTooManyRequests] == 0 || codes[http.StatusOK] > 0 || codes[http.StatusUnauthorized] > 60 {
			s.t.Errorf("answers by code: %v", codes)
		}
	}
}
