package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookAgain is how often files are looked at, at most.
const lookAgain = 2 * time.Second

// watched is a value that is made from files, and made again when one of them
// has changed. While that fails the value before it stays.
type watched[T any] struct {
	paths  []string
	load   func() (T, error)
	failed func(error) // called once for each failure that is new
	now    func() time.Time

	mu     sync.Mutex
	value  T
	stamps []stamp
	looked time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	size    int64
	changed time.Time
}

func newWatched[T any](paths []string, load func() (T, error), failed func(error)) (*watched[T], error) {
	w := &watched[T]{paths: paths, load: load, failed: failed, now: time.Now}
	w.stamps = w.look() // before loading: what changes meanwhile is loaded again
	w.looked = w.now()
	var err error
	w.value, err = load()
	return w, err
}

func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.looked) < lookAgain {
		return w.value
	}
	w.looked = now
	stamps := w.look()
	if equal(stamps, w.stamps) {
		return w.value
	}
	value, err := w.load()
	if err != nil {
		// Perhaps one of two files has been replaced and the other not yet: as long
		// as it fails, each look tries again.
		w.failed(err)
		return w.value
	}
	w.value, w.stamps = value, stamps
	return value
}

func (w *watched[T]) look() []stamp {
	stamps := make([]stamp, len(w.paths))
	for i, path := range w.paths {
		if info, err := os.Stat(path); err == nil { // a missing file is a state, too
			stamps[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return stamps
}

func equal(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].changed.Equal(b[i].changed) {
			return false
		}
	}
	return true
}

// Files is a certificate in two PEM files. It is safe for concurrent use.
type Files struct {
	certificate *watched[*tls.Certificate]
}

// OpenFiles reads a certificate chain and its private key. Later they are
// looked at again with a handshake, every other second at most: a renewed
// certificate needs no restart. A pair that cannot be used is logged, and the
// one before it goes on being served.
func OpenFiles(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
		}
		return &pair, nil
	}
	w, err := newWatched([]string{certFile, keyFile}, load, func(err error) {
		log.Error("the changed certificate cannot be used; the one before it is served", "error", err)
	})
	if err != nil {
		return nil, err
	}
	return &Files{w}, nil
}

// GetCertificate is for [tls.Config].
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.certificate.get(), nil
}

// RequireClients makes a configuration ask for a certificate that one of the
// authorities in a PEM file has signed. The file is looked at again as by
// [OpenFiles].
func RequireClients(c *tls.Config, caFile string, log *slog.Logger) error {
	load := func() (*x509.CertPool, error) {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("authorities of client certificates: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("authorities of client certificates: %s has no certificate in PEM", caFile)
		}
		return pool, nil
	}
	w, err := newWatched([]string{caFile}, load, func(err error) {
		log.Error("the changed authorities cannot be used; those before are", "error", err)
	})
	if err != nil {
		return err
	}
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(s tls.ConnectionState) error { return verifyClient(s, w.get()) }
	return nil
}

// verifyClient is asked at resumed sessions, too: an authority that was taken
// away is gone.
func verifyClient(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("no client certificate")
	}
	intermediates := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}
