// Package listentest makes certificates for tests.
package listentest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates. Pool trusts it.
type Authority struct {
	TB   testing.TB
	Pool *x509.CertPool
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority of its own.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{TB: tb, key: newKey(tb), Pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	a.Pool.AddCert(a.cert)
	a.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// Issue writes NAME.pem and NAME.key into a folder, for this machine's names
// and for clients, and returns the paths.
func (a *Authority) Issue(dir, name string) (certFile, keyFile string) {
	a.TB.Helper()
	key := newKey(a.TB)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.TB.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.TB.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.TB.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	a.write(certFile, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write(keyFile, &pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return certFile, keyFile
}

// File writes the authority's own certificate, and returns the path.
func (a *Authority) File(dir string) string {
	a.TB.Helper()
	path := filepath.Join(dir, "authority.pem")
	if err := os.WriteFile(path, a.PEM, 0o600); err != nil {
		a.TB.Fatal(err)
	}
	return path
}

// Pair issues a certificate for a client.
func (a *Authority) Pair(name string) tls.Certificate {
	a.TB.Helper()
	pair, err := tls.LoadX509KeyPair(a.Issue(a.TB.TempDir(), name))
	if err != nil {
		a.TB.Fatal(err)
	}
	return pair
}

func (a *Authority) write(path string, block *pem.Block) {
	a.TB.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		a.TB.Fatal(err)
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
