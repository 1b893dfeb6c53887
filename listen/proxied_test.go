package listen_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fieldcast/listen"
	"fieldcast/listen/listentest"
)

// v2 is a header of version 2 for TCP over IPv4, as the specification has it.
func v2(command byte, address string) string {
	ip := net.ParseIP(address).To4()
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{0x20 | command, 0x11, 0, 12}) + string(ip) + "\x7f\x00\x00\x01" + "\x30\x39\x07\x5b"
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProxyHeader(t *testing.T) {
	balancers, err := listen.Prefixes([]string{"127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	others, err := listen.Prefixes([]string{"192.0.2.1", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	trusting := echo(t, listen.Options{Proxies: balancers})
	distrusting := echo(t, listen.Options{Proxies: others})
	for _, tt := range []struct{ name, addr, send, want, back string }{
		{"version 2", trusting, v2(1, "203.0.113.7") + "hello", "203.0.113.7:12345", "hello"},
		{"version 1", trusting, "PROXY TCP4 203.0.113.8 127.0.0.1 12345 1883\r\nhello", "203.0.113.8:12345", "hello"},
		{"version 1, IPv6", trusting, "PROXY TCP6 2001:db8::1 ::1 12345 1883\r\nhello", "[2001:db8::1]:12345", "hello"},
		{"a health check", trusting, v2(0, "203.0.113.7") + "hello", "127.0.0.1:", "hello"},
		{"none", trusting, "\x10\x00 and no header", "", ""},
		{"half of one", trusting, v2(1, "203.0.113.7")[:20], "", ""},
		{"an unknown version", trusting, strings.Replace(v2(1, "203.0.113.7"), "\x21", "\x31", 1), "", ""},
		{"no address", trusting, "PROXY UNKNOWN\r\nhello", "127.0.0.1:", "hello"},
		{"from who is not a load balancer", distrusting, v2(1, "203.0.113.7"), "127.0.0.1:", v2(1, "203.0.113.7")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, tt.addr)
			if _, err := io.WriteString(c, tt.send); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			line, err := r.ReadString('\n')
			if tt.want == "" {
				if line != "" || err == nil {
					t.Errorf("got %q, %v", line, err)
				}
				return
			}
			back := make([]byte, len(tt.back))
			if _, readErr := io.ReadFull(r, back); err != nil || readErr != nil || !strings.HasPrefix(line, tt.want) || string(back) != tt.back {
				t.Errorf("got %q, %q, %v, %v", line, back, err, readErr)
			}
		})
	}
}

// The header comes before TLS.
func TestProxyHeaderBeforeTLS(t *testing.T) {
	balancers, err := listen.Prefixes([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	authority := listentest.NewAuthority(t)
	cert, key := authority.Issue(t.TempDir(), "server")
	files, err := listen.OpenFiles(cert, key, silent)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, echo(t, listen.Options{Proxies: balancers, TLS: listen.ForMQTT(files)}))
	if _, err := io.WriteString(c, v2(1, "203.0.113.9")); err != nil {
		t.Fatal(err)
	}
	secured := tls.Client(c, &tls.Config{RootCAs: authority.Pool, ServerName: "localhost"})
	line, err := bufio.NewReader(secured).ReadString('\n')
	if err != nil || line != "203.0.113.9:12345\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestPrefixes(t *testing.T) {
	for _, bad := range []string{"", "10.0.0.0/33", "load-balancer", "10.0.0"} {
		if _, err := listen.Prefixes([]string{bad}); err == nil || !strings.Contains(err.Error(), "is not an address") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestForwarded(t *testing.T) {
	proxies, err := listen.Prefixes([]string{"10.0.0.0/8", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, from, header, want string }{
		{"through a proxy", "10.1.2.3:999", "203.0.113.7", "203.0.113.7:0"},
		{"through two", "10.1.2.3:999", "203.0.113.7, 192.0.2.1", "203.0.113.7:0"},
		{"a header that the client has begun", "10.1.2.3:999", "1.1.1.1, 203.0.113.7", "203.0.113.7:0"},
		{"garbage in front", "10.1.2.3:999", "<script>, 203.0.113.7", "203.0.113.7:0"},
		{"garbage only", "10.1.2.3:999", "<script>", "10.1.2.3:999"},
		{"no header", "10.1.2.3:999", "", "10.1.2.3:999"},
		{"IPv6", "10.1.2.3:999", "2001:db8::7", "[2001:db8::7]:0"},
		{"from anybody", "203.0.113.9:999", "127.0.0.1", "203.0.113.9:999"},
		{"inside only", "10.1.2.3:999", "10.9.9.9", "10.9.9.9:0"},
	} {
		var got string
		h := listen.Forwarded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }), proxies)
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.from
		if tt.header != "" {
			r.Header.Set("X-Forwarded-For", tt.header)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if r.RemoteAddr != tt.from {
			t.Errorf("%s: the request that came was changed", tt.name)
		}
	}
}
