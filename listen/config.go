package listen

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/acme"
)

// Certificates serves certificates: [Files] or [ACME].
type Certificates interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// ForHTTP returns a configuration for browsers and REST: HTTP/2, and the
// authority's question by TLS-ALPN-01. Sessions are resumed by tickets.
func ForHTTP(c Certificates) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: c.GetCertificate,
		NextProtos: []string{"h2", "http/1.1", acme.ALPNProto},
	}
}

// ForMQTT returns a configuration for phones. Whatever protocol a client names
// (ALPN) it gets MQTT, because devices name all kinds of things.
func ForMQTT(c Certificates) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.GetCertificate}
}

// Observed counts for r what c serves: when the certificate that was served
// last expires (Unix seconds; 0 before the first), and handshakes for which
// there was none.
func Observed(c Certificates, r prometheus.Registerer) Certificates {
	o := &observed{Certificates: c, missing: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "fieldcast_tls_no_certificate_total", Help: "Handshakes for which there was no certificate.",
	})}
	r.MustRegister(o.missing, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fieldcast_tls_certificate_expires_seconds", Help: "When the certificate that was served last expires, in Unix seconds.",
	}, func() float64 { return float64(o.expires.Load()) }))
	return o
}

type observed struct {
	Certificates
	expires atomic.Int64
	missing prometheus.Counter
}

func (o *observed) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := o.Certificates.GetCertificate(hello)
	if err != nil {
		o.missing.Inc()
		return nil, err
	}
	if at, ok := expiry(c); ok {
		o.expires.Store(at.Unix())
	}
	return c, nil
}

func expiry(c *tls.Certificate) (time.Time, bool) {
	leaf := c.Leaf
	if leaf == nil && len(c.Certificate) > 0 {
		leaf, _ = x509.ParseCertificate(c.Certificate[0]) // nil if it cannot be read, which TLS will say
	}
	if leaf == nil {
		return time.Time{}, false
	}
	return leaf.NotAfter, true
}
