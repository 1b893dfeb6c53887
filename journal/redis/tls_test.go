package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"fieldcast/journal/redis"
)

// A server with TLS is spoken to if an authority that this process knows has
// signed for its name, and not otherwise.
func TestTLS(t *testing.T) {
	p := start(t) // where there is one, there may be TLS
	p.kill()
	cert, key := p.dir+"/cert.pem", p.dir+"/key.pem"
	certify(t, cert, key)
	_, port, _ := net.SplitHostPort(p.addr)
	for i, a := range p.args {
		if a == "--port" {
			p.args[i+1] = "0"
		}
	}
	p.args = append(p.args, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	p.launch()
	eventually(t, "the server listens", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err == nil || p.cmd.ProcessState != nil
	})
	url := "rediss://" + p.addr
	if _, err := redis.Open(t.Context(), redis.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
	l := &load{acked: map[uint64]string{}}
	c := startChild(t, url, "SSL_CERT_FILE="+cert)
	c.note(l, 50)
	if len(l.acked) == 0 {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		t.Errorf("nothing was acknowledged: %s", c.stderr.String())
	}
}

// certify writes a certificate for 127.0.0.1 that has signed itself.
func certify(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}
