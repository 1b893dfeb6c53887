package listen_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/listen"
	"fieldcast/listen/listentest"
)

var silent = slog.New(slog.DiscardHandler)

// lines counts what is logged.
type lines struct{ atomic.Int32 }

func (l *lines) Write(b []byte) (int, error) {
	l.Add(1)
	return len(b), nil
}

// echo accepts connections and sends back what comes, after the handshake.
func echo(t *testing.T, o listen.Options) string {
	t.Helper()
	l, err := listen.TCP("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if h, ok := c.(interface{ HandshakeContext(context.Context) error }); ok {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					if err := h.HandshakeContext(ctx); err != nil {
						return
					}
				}
				if _, err := io.WriteString(c, c.RemoteAddr().String()+"\n"); err == nil {
					_, _ = io.Copy(c, c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// serial returns whose certificate an address serves, and whether the session
// was resumed.
func state(t *testing.T, addr string, config *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 64)); err != nil { // with TLS 1.3 refusals and tickets come here
		return tls.ConnectionState{}, err
	}
	return c.ConnectionState(), nil
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 15 s it was still not so that %s", what)
		}
	}
}

// A renewed certificate is served without a restart, and one that does not fit
// its key is not.
func TestFilesReload(t *testing.T) {
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, key := authority.Issue(dir, "server")
	var complaints lines
	files, err := listen.OpenFiles(cert, key, slog.New(slog.NewTextHandler(&complaints, nil)))
	if err != nil {
		t.Fatal(err)
	}
	addr := echo(t, listen.Options{TLS: listen.ForMQTT(files)})
	config := &tls.Config{RootCAs: authority.Pool}
	serial := func() string {
		s, err := state(t, addr, config)
		if err != nil {
			t.Fatal(err)
		}
		return s.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	authority.Issue(dir, "server")
	eventually(t, "the renewed certificate is served", func() bool { return serial() != first })

	second := serial()
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broken pair has been looked at", func() bool {
		if got := serial(); got != second {
			t.Fatalf("got %s, want the one before, %s", got, second)
		}
		return complaints.Load() > 0
	})
	authority.Issue(dir, "server")
	eventually(t, "the mended pair is served", func() bool { return serial() != second })
}

func TestFilesErrors(t *testing.T) {
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, _ := authority.Issue(dir, "a")
	_, other := authority.Issue(dir, "b")
	for _, tt := range []struct{ cert, key, want string }{
		{filepath.Join(dir, "none"), other, "no such file"},
		{cert, other, "does not match"},
		{other, cert, "failed to find"},
	} {
		if _, err := listen.OpenFiles(tt.cert, tt.key, silent); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.cert) {
			t.Errorf("%s with %s: got %v", tt.cert, tt.key, err)
		}
	}
}

// A phone that comes back pays no second handshake, by TLS 1.2 and 1.3.
func TestResumption(t *testing.T) {
	authority := listentest.NewAuthority(t)
	cert, key := authority.Issue(t.TempDir(), "server")
	files, err := listen.OpenFiles(cert, key, silent)
	if err != nil {
		t.Fatal(err)
	}
	addr := echo(t, listen.Options{TLS: listen.ForMQTT(files)})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{RootCAs: authority.Pool, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		for i, want := range []bool{false, true} {
			if s, err := state(t, addr, config); err != nil || s.DidResume != want {
				t.Errorf("TLS %x, connection %d: resumed %v, %v", version, i+1, s.DidResume, err)
			}
		}
	}
	if _, err := state(t, addr, &tls.Config{RootCAs: authority.Pool, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// Where clients must show a certificate, nobody else comes in, not even by a
// session from before the authority was changed.
func TestClientCertificates(t *testing.T) {
	authority, stranger := listentest.NewAuthority(t), listentest.NewAuthority(t)
	dir := t.TempDir()
	cert, key := authority.Issue(dir, "server")
	files, err := listen.OpenFiles(cert, key, silent)
	if err != nil {
		t.Fatal(err)
	}
	config := listen.ForMQTT(files)
	ca := authority.File(dir)
	if err := listen.RequireClients(config, ca, silent); err != nil {
		t.Fatal(err)
	}
	addr := echo(t, listen.Options{TLS: config})
	client := func(certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: authority.Pool, Certificates: certificates, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	}
	good := client(authority.Pair("phone"))
	if _, err := state(t, addr, good); err != nil {
		t.Errorf("a good certificate: %v", err)
	}
	if s, err := state(t, addr, good); err != nil || !s.DidResume {
		t.Errorf("a good certificate again: resumed %v, %v", s.DidResume, err)
	}
	for name, config := range map[string]*tls.Config{"none": client(), "a stranger's": client(stranger.Pair("phone"))} {
		if _, err := state(t, addr, config); err == nil {
			t.Errorf("%s comes in", name)
		}
	}
	if err := os.WriteFile(ca, stranger.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old session is refused", func() bool { _, err := state(t, addr, good); return err != nil })

	if err := listen.RequireClients(config, key, silent); err == nil || !strings.Contains(err.Error(), "no certificate in PEM") {
		t.Errorf("a file without certificates: %v", err)
	}
}

func TestObserved(t *testing.T) {
	cert, key := listentest.NewAuthority(t).Issue(t.TempDir(), "server")
	files, err := listen.OpenFiles(cert, key, silent)
	if err != nil {
		t.Fatal(err)
	}
	r := prometheus.NewRegistry()
	for _, c := range []listen.Certificates{listen.Observed(files, r), broken{}} {
		_, _ = c.GetCertificate(&tls.ClientHelloInfo{})
	}
	families, err := r.Gather()
	if err != nil || len(families) != 2 {
		t.Fatalf("got %v, %v", families, err)
	}
	at := time.Unix(int64(families[0].GetMetric()[0].GetGauge().GetValue()), 0)
	if left := time.Until(at); left < 50*time.Minute || left > time.Hour {
		t.Errorf("it is said to expire in %v", left)
	}
}

type broken struct{}

func (broken) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("none")
}

// Accept does not wait for who says nothing.
func TestAcceptDoesNotWait(t *testing.T) {
	authority := listentest.NewAuthority(t)
	cert, key := authority.Issue(t.TempDir(), "server")
	files, err := listen.OpenFiles(cert, key, silent)
	if err != nil {
		t.Fatal(err)
	}
	addr := echo(t, listen.Options{TLS: listen.ForMQTT(files)})
	for range 20 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if _, err := state(t, addr, &tls.Config{RootCAs: authority.Pool}); err != nil {
		t.Error(err)
	}
}
