package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/listen/listentest"
	"fieldcast/simulate/crowd"
)

// secured is a server that speaks TLS.
type secured struct {
	*server
	https, mqtts string
}

// newSecured prepares a server with TLS addresses; env says with which
// certificates.
func newSecured(t *testing.T, env ...string) *secured {
	s := &secured{newServer(t, ""), freeAddr(t), freeAddr(t)}
	s.Env = append(env, "FIELDCAST_TLS_HTTP_ADDR="+s.https, "FIELDCAST_TLS_MQTT_ADDR="+s.mqtts)
	return s
}

// publishTLS connects to an address as a phone, publishes n fixes at QoS 1, and
// returns an error if that does not work.
func publishTLS(address string, p crowd.Phone, config *tls.Config, n int) error {
	o := mqtt.NewClientOptions().AddBroker(address).SetClientID(p.ClientID).SetUsername(p.Username).SetPassword(p.Password).
		SetTLSConfig(config).SetConnectTimeout(10 * time.Second)
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(15*time.Second) || token.Error() != nil {
		return fmt.Errorf("connect: %w", token.Error())
	}
	defer c.Disconnect(100)
	for i := range n {
		if token := c.Publish("fc/acme/"+p.Employee, 1, false, location(i)); !token.WaitTimeout(15*time.Second) || token.Error() != nil {
			return fmt.Errorf("publish: %w", token.Error())
		}
	}
	return nil
}

// TestTLS: phones by mqtts and wss, browsers by https, with a certificate in
// files that is renewed under way.
func TestTLS(t *testing.T) {
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, key := authority.Issue(dir, "server")
	s := newSecured(t, "FIELDCAST_TLS_CERT_FILE="+cert, "FIELDCAST_TLS_KEY_FILE="+key, "FIELDCAST_MQTT_PUBLIC_HOST=mqtt.example.com")
	s.start()
	s.cli("company", "add", "acme")
	config := &tls.Config{RootCAs: authority.Pool}
	web := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}

	resp, err := web.Get("http://" + s.HTTP + "/acme?x=1")
	must(t, err)
	must(t, resp.Body.Close())
	if want := "https://" + s.https + "/acme?x=1"; resp.StatusCode != http.StatusPermanentRedirect || resp.Header.Get("Location") != want {
		t.Errorf("http: %d to %q, want %q", resp.StatusCode, resp.Header.Get("Location"), want)
	}
	if code := s.status("/readyz", ""); code != http.StatusOK {
		t.Errorf("readiness without TLS: %d", code)
	}

	_, err = s.CLIWith("correct horse battery\n", "user", "add", "acme", "asha@acme.example", "--role", "manager", "--password-stdin")
	must(t, err)
	resp, err = web.Post("https://"+s.https+"/api/v1/login", "application/json", strings.NewReader(`{"email":"asha@acme.example","password":"correct horse battery"}`))
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("login: %d by %s, %v", resp.StatusCode, resp.Proto, resp.Header)
	}
	if cookies := resp.Cookies(); len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly {
		t.Errorf("cookies: %v", cookies)
	}

	_, port, err := net.SplitHostPort(s.mqtts)
	must(t, err)
	if out := s.cli("employee", "add", "acme", "e9"); !strings.Contains(out, "mqtt.example.com:"+port+" with TLS") {
		t.Errorf("a phone is told\n%s", out)
	}
	phone := crew(t, s.server, 1)[0]
	must(t, publishTLS("ssl://"+s.mqtts, phone, config, 5))
	must(t, publishTLS("wss://"+s.https+"/mqtt", phone, config, 10))
	token := s.token("acme", "viewer")
	var stats struct{ Fixes int }
	eventually(t, 10*time.Second, "ten different fixes are stored", func() bool {
		req, err := http.NewRequest(http.MethodGet, "https://"+s.https+"/api/v1/companies/acme/stats", nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := web.Do(req)
		must(t, err)
		defer resp.Body.Close()
		must(t, json.NewDecoder(resp.Body).Decode(&stats))
		return stats.Fixes == 10
	})

	before := served(t, s.mqtts, config)
	authority.Issue(dir, "server")
	eventually(t, 20*time.Second, "both doors serve the renewed certificate", func() bool {
		return served(t, s.mqtts, config) != before && served(t, s.https, config) != before
	})
	if got := s.metric("fieldcast_tls_certificate_expires_seconds"); got < float64(time.Now().Unix()) {
		t.Errorf("the metric says that it expires at %v", got)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// served returns the serial number of the certificate that an address serves.
func served(t *testing.T, addr string, config *tls.Config) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, config)
	must(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestTLSClientCertificates: a phone needs a certificate beside its password.
func TestTLSClientCertificates(t *testing.T) {
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, key := authority.Issue(dir, "server")
	s := newSecured(t, "FIELDCAST_TLS_CERT_FILE="+cert, "FIELDCAST_TLS_KEY_FILE="+key, "FIELDCAST_TLS_CLIENT_CA_FILE="+authority.File(dir))
	s.start()
	s.cli("company", "add", "acme")
	phone := crew(t, s.server, 1)[0]
	if err := publishTLS("ssl://"+s.mqtts, phone, &tls.Config{RootCAs: authority.Pool}, 1); err == nil {
		t.Error("a phone without a certificate comes in")
	}
	must(t, publishTLS("ssl://"+s.mqtts, phone, &tls.Config{RootCAs: authority.Pool, Certificates: []tls.Certificate{authority.Pair("phone")}}, 1))
}

// TestTLSStartErrors: what cannot work is one clear sentence, and exit code 1.
func TestTLSStartErrors(t *testing.T) {
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, key := authority.Issue(dir, "a")
	_, other := authority.Issue(dir, "b")
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"no such file":   {[]string{"FIELDCAST_TLS_CERT_FILE=/none.pem", "FIELDCAST_TLS_KEY_FILE=" + key}, "tls: certificate /none.pem with key"},
		"another key":    {[]string{"FIELDCAST_TLS_CERT_FILE=" + cert, "FIELDCAST_TLS_KEY_FILE=" + other}, "private key does not match public key"},
		"no key":         {[]string{"FIELDCAST_TLS_CERT_FILE=" + cert}, "tls.cert_file and tls.key_file: give both or none"},
		"not a name":     {[]string{"FIELDCAST_TLS_DOMAINS=localhost"}, `tls.domains: "localhost" is not a name such as fieldcast.example.com`},
		"no authorities": {[]string{"FIELDCAST_TLS_CERT_FILE=" + cert, "FIELDCAST_TLS_KEY_FILE=" + key, "FIELDCAST_TLS_CLIENT_CA_FILE=" + key}, "has no certificate in PEM"},
	} {
		s := newSecured(t, tt.env...)
		s.launch()
		<-s.Exited
		if log := s.Log.String(); s.ExitCode() != 1 || !strings.Contains(log, tt.want) {
			t.Errorf("%s: exit code %d, %s", name, s.ExitCode(), log)
		}
	}
}

// TestACME gets a certificate from a real authority, Pebble, which asks back
// by TLS-ALPN-01 or HTTP-01. Pebble refuses a part of the requests on purpose,
// as servers of that protocol may.
func TestACME(t *testing.T) {
	tools := os.Getenv("FIELDCAST_TEST_PEBBLE")
	if tools == "" {
		t.Skip("needs the ACME server Pebble: set FIELDCAST_TEST_PEBBLE to the folder of pebble and pebble-challtestsrv, or run scripts/test")
	}
	authority, dir := listentest.NewAuthority(t), t.TempDir()
	cert, key := authority.Issue(dir, "pebble")
	directory, management, dns := freeAddr(t), freeAddr(t), freeAddr(t)
	s := newSecured(t, "FIELDCAST_TLS_DOMAINS=fieldcast.example.test", "FIELDCAST_TLS_ACME_DIRECTORY=https://"+directory+"/dir", "FIELDCAST_TLS_ACME_ROOT_FILE="+authority.File(dir))

	config := filepath.Join(dir, "pebble.json")
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": directory, "managementListenAddress": management, "certificate": cert, "privateKey": key,
		"httpPort": port(t, s.HTTP), "tlsPort": port(t, s.https), "keyAlgorithm": "ecdsa",
		"profiles": map[string]any{"default": map[string]any{"description": "", "validityPeriod": 86400}},
	}})
	must(t, err)
	must(t, os.WriteFile(config, settings, 0o600))
	launch(t, exec.Command(filepath.Join(tools, "pebble-challtestsrv"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-dnsserver", dns, "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", freeAddr(t)))
	pebble := exec.Command(filepath.Join(tools, "pebble"), "-config", config, "-dnsserver", dns)
	pebble.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	launch(t, pebble)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool}}}
	var root []byte
	eventually(t, 20*time.Second, "Pebble is there", func() bool {
		resp, err := trusting.Get("https://" + management + "/roots/0")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		root, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})

	s.start()
	s.cli("company", "add", "acme")
	phone := crew(t, s.server, 1)[0]
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	trust := &tls.Config{RootCAs: pool, ServerName: "fieldcast.example.test"}
	eventually(t, 90*time.Second, "the server has a certificate of that authority", func() bool {
		c, err := tls.Dial("tcp", s.https, trust)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	must(t, publishTLS("ssl://"+s.mqtts, phone, trust, 1))
	if kept, err := os.ReadDir(filepath.Join(s.Data, "certificates")); err != nil || len(kept) == 0 {
		t.Errorf("nothing is kept for the next start: %v, %v", kept, err)
	}
	if _, err := tls.Dial("tcp", s.https, &tls.Config{InsecureSkipVerify: true, ServerName: "other.example.test"}); err == nil {
		t.Error("a certificate is served, or asked for, for any name")
	}
}

func port(t *testing.T, addr string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	must(t, err)
	return a.Port
}
