package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets certificates from an authority (RFC 8555), and renews them. It is
// safe for concurrent use.
type ACME struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger
}

// ACMEOptions configures [NewACME].
type ACMEOptions struct {
	Domains   []string // for which certificates are asked; the first is served to who names none
	Email     string   // whom the authority may write to; may be empty
	Directory string   // URL of the authority; empty: Let's Encrypt
	RootFile  string   // PEM of the authority's own certificate, if the system does not know it
	CacheDir  string   // account key and certificates, 0600
	Logger    *slog.Logger
}

// NewACME asks nobody yet: certificates are got when they are needed, or by
// [ACME.Warm].
func NewACME(o ACMEOptions) (*ACME, error) {
	client := &acme.Client{DirectoryURL: o.Directory, UserAgent: "fieldcast"}
	if o.RootFile != "" {
		pem, err := os.ReadFile(o.RootFile)
		if err != nil {
			return nil, fmt.Errorf("root certificate of the authority: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("root certificate of the authority: %s has no certificate in PEM", o.RootFile)
		}
		client.HTTPClient = &http.Client{
			Timeout:   time.Minute,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
		}
	}
	return &ACME{
		manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.CacheDir),
			HostPolicy: autocert.HostWhitelist(o.Domains...), Email: o.Email, Client: client,
		},
		domains: o.Domains,
		log:     o.Logger,
	}, nil
}

// GetCertificate is for [tls.Config]. Phones that name no host get the first
// domain's certificate.
func (a *ACME) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName == "" {
		named := *hello
		named.ServerName = a.domains[0]
		hello = &named
	}
	return a.manager.GetCertificate(hello)
}

// HTTPHandler answers the authority's question at port 80 (HTTP-01), and gives
// all else to next. TLS-ALPN-01 at port 443 needs no handler.
func (a *ACME) HTTPHandler(next http.Handler) http.Handler { return a.manager.HTTPHandler(next) }

// Warm gets the certificates before somebody needs them, so that a name that
// does not lead here is in the log at the start. It tries again, ever less
// often, until all are there or ctx ends, and returns nil.
func (a *ACME) Warm(ctx context.Context) error {
	const first, longest = 10 * time.Second, time.Hour
	for _, domain := range a.domains {
		for pause := first; ; pause = min(2*pause, longest) {
			err := a.get(ctx, domain)
			if ctx.Err() != nil {
				return nil
			}
			if err == nil {
				break
			}
			a.log.Error("no certificate: until there is one, nobody can connect by TLS; does the name lead here, and are ports 443 and 80 open?",
				"domain", domain, "error", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// get gives up waiting when ctx ends. autocert goes on: it has no such thing.
func (a *ACME) get(ctx context.Context, domain string) error {
	got := make(chan error, 1)
	go func() { got <- a.ask(domain) }()
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *ACME) ask(domain string) error {
	// What a client of today says, so that the key is of the kind it will get.
	hello := &tls.ClientHelloInfo{
		ServerName: domain, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SupportedCurves: []tls.CurveID{tls.CurveP256}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
	}
	c, err := a.manager.GetCertificate(hello)
	if err == nil && c == nil {
		err = errors.New("the authority gave none")
	}
	return err
}
