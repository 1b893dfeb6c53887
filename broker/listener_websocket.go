package broker

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"

	"github.com/coder/websocket"
)

// ServeHTTP takes MQTT over WebSocket [MQTT-6]: binary frames, whose
// boundaries mean nothing, and the sub-protocol "mqtt". Browsers of other
// origins than the server's own and [Options].Origins are refused with 403.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closing || !s.started {
		s.mu.Unlock()
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The server is closing.", http.StatusServiceUnavailable)
		return
	}
	s.conns.Add(1)
	s.mu.Unlock()
	defer s.conns.Done()
	if !s.accepts.within(r.Context(), s.Limits.ConnectTimeout) {
		s.metrics.refused.WithLabelValues("accept_rate").Inc()
		w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(10))) // not all at once again
		http.Error(w, "Too many connect at once.", http.StatusServiceUnavailable)
		return
	}

	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{"mqtt", "mqttv3.1"},
		OriginPatterns:  s.Origins,
		CompressionMode: websocket.CompressionDisabled, // frames are small, contexts are not
	})
	if err != nil {
		s.metrics.refused.WithLabelValues("websocket").Inc()
		return // Accept has answered
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream := websocket.NetConn(ctx, ws, websocket.MessageBinary)
	ws.SetReadLimit(messageLimit) // after NetConn, which sets none
	s.serve("websocket", &webSocket{Conn: stream, ws: ws, remote: r.RemoteAddr})
}

// messageLimit bounds a message of a web socket. Messages mean nothing to MQTT
// and are read as a stream, so it costs no memory: it only ends what has no end.
const messageLimit = 256 << 20

// webSocket is a web socket as a stream.
type webSocket struct {
	net.Conn
	ws     *websocket.Conn
	remote string
}

// Close cuts the connection. The closing handshake of web sockets would make
// whoever closes wait for the other side.
func (w *webSocket) Close() error { return w.ws.CloseNow() }

// RemoteAddr is the browser's, as HTTP knows it.
func (w *webSocket) RemoteAddr() net.Addr { return remoteAddr(w.remote) }

type remoteAddr string

func (remoteAddr) Network() string  { return "websocket" }
func (a remoteAddr) String() string { return string(a) }
