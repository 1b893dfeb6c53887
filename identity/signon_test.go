package identity_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/identity"
	"fieldcast/track"
)

// signOn is somebody else's sign-on server.
type signOn struct {
	*httptest.Server
	mu     sync.Mutex
	keys   map[string]crypto.Signer // by kid
	answer http.HandlerFunc         // in place of the keys
	asked  atomic.Int32
}

func newSignOn(tb testing.TB, kids ...string) *signOn {
	tb.Helper()
	s := &signOn{keys: map[string]crypto.Signer{}}
	for _, kid := range kids {
		s.keys[kid] = newSigner(tb, kid)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		defer s.asked.Add(1) // when the answer is chosen, so that who saw it rise may change the next
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		for kid, key := range s.keys {
			set.Keys = append(set.Keys, jwk(kid, key))
		}
		_ = json.NewEncoder(w).Encode(set) // to a recorder of ours
	}))
	tb.Cleanup(s.Close)
	return s
}

func (s *signOn) set(kid string, key crypto.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = map[string]crypto.Signer{kid: key}
}

func (s *signOn) answers(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// newSigner makes a key whose kind its name begins with.
func newSigner(tb testing.TB, kid string) crypto.Signer {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch {
	case strings.HasPrefix(kid, "ec"):
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case strings.HasPrefix(kid, "ed"):
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func jwk(kid string, key crypto.Signer) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // 4, x, y
		return map[string]string{"kid": kid, "kty": "EC", "crv": "P-256", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])}
	case ed25519.PublicKey:
		return map[string]string{"kid": kid, "kty": "OKP", "crv": "Ed25519", "use": "sig", "x": b64(public)}
	case *rsa.PublicKey:
		return map[string]string{"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes())}
	}
	return nil
}

func signAs(tb testing.TB, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims, header ...string) string {
	tb.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	for i := 0; i+1 < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	text, err := token.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

const idp = "https://login.acme.example"

// theirs are the claims of a manager's token.
func theirs(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": idp, "aud": []string{"fieldcast", "other"}, "sub": "auth0|17", "jti": "j1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"roles": []string{"staff", "dispatch"}, "tenant": "acme", "badge": "e17",
	}
}

// companySignOn is how acme's sign-on is configured.
func companySignOn(s *signOn) identity.Issuer {
	return identity.Issuer{
		Issuer: idp, JWKSURL: s.URL, Audience: "fieldcast", Algorithms: []string{"RS256", "ES256", "EdDSA"}, Company: "acme",
		RoleClaim: "roles", Roles: map[string]track.Role{"Dispatch": track.RoleManager, "phone": track.RoleDevice, "program": track.RoleIntegrator},
		EmployeeClaim: "badge",
	}
}

// trusting returns a service that knows the keys of an issuer.
func trusting(tb testing.TB, log *slog.Logger, issuers ...identity.Issuer) *identity.Service {
	tb.Helper()
	s, err := identity.New(identity.Options{
		Store: newMemory(), Key: testKey, Logger: log, Issuers: issuers, KeysAtMost: 20 * time.Millisecond, Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.RunIssuers(ctx) // nil
	}()
	tb.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

func known(tb testing.TB, s *identity.Service, token string) track.Identity {
	tb.Helper()
	var id track.Identity
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if id, err = s.Verify(token); !errors.Is(err, identity.ErrUnknownKey) {
			break
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it was still not so that %s", what)
		}
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
