package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/identity"
	"fieldcast/track"
)

// Keys that are changed are learned by the first who comes with one, and those
// that are gone count no more. While the issuer is away, what is known stays.
func TestKeyRotationAndOutage(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa1")
	first := signAs(t, jwt.SigningMethodRS256, "rsa1", server.keys["rsa1"], theirs(now))
	server.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	var log syncBuffer
	s := trusting(t, slog.New(slog.NewTextHandler(&log, nil)), companySignOn(server))
	await(t, "the outage is said", func() bool { return strings.Contains(log.String(), "cannot read the keys of an issuer") })
	if _, err := s.Verify(first); !errors.Is(err, identity.ErrUnknownKey) {
		t.Errorf("before the keys are known: %v", err)
	}
	server.answers(nil)
	known(t, s, first)
	if got := strings.Count(log.String(), "cannot read the keys"); got != 1 {
		t.Errorf("the outage was said %d times", got)
	}

	rotated := newSigner(t, "rsa2")
	server.set("rsa2", rotated)
	second := signAs(t, jwt.SigningMethodRS256, "rsa2", rotated, theirs(now))
	known(t, s, second)
	if _, err := s.Verify(first); !errors.Is(err, identity.ErrUnknownKey) {
		t.Errorf("a key that is gone: %v", err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"endless":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20)) },
		"a bad point": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"ec"}]}`))
		},
	} {
		var given atomic.Bool // the bad answer itself, not one that was under way before
		server.answers(func(w http.ResponseWriter, r *http.Request) {
			answer(w, r)
			given.Store(true)
		})
		miss := signAs(t, jwt.SigningMethodRS256, "made-up", rotated, theirs(now))
		await(t, name+" was asked for", func() bool {
			_, _ = s.Verify(miss) // asks for the keys
			return given.Load()
		})
		if _, err := s.Verify(second); err != nil {
			t.Errorf("%s: what is known is lost: %v", name, err)
		}
		recovered := strings.Count(log.String(), "are read again")
		server.answers(nil)
		await(t, "the issuer is back", func() bool { return strings.Count(log.String(), "are read again") > recovered })
	}
}

// Made-up key ids do not make the server ask without end.
func TestUnknownKeysAreBounded(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa")
	s := trusting(t, nil, companySignOn(server))
	good := signAs(t, jwt.SigningMethodRS256, "rsa", server.keys["rsa"], theirs(now))
	known(t, s, good)
	begun, before := time.Now(), server.asked.Load()
	miss := signAs(t, jwt.SigningMethodRS256, "made-up", server.keys["rsa"], theirs(now))
	for range 20_000 {
		_, _ = s.Verify(miss)
	}
	most := int32(time.Since(begun)/(20*time.Millisecond)) + 2
	if got := server.asked.Load() - before; got > most {
		t.Errorf("the issuer was asked %d times in %v", got, time.Since(begun))
	}
}

// Beside keys for signatures a set may hold others, which count for nothing
// and lock nobody out.
func TestKeysThatCannotBeUsed(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "rsa", "ed")
	good, forEncryption := server.keys["ed"], newSigner(t, "rsa")
	enc := jwk("enc", forEncryption)
	enc["use"], enc["alg"] = "enc", "RSA-OAEP"
	odd := []map[string]string{
		enc,
		{"kid": "secret", "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
		{"kid": "x448", "kty": "OKP", "crv": "X448", "x": "AA"},
		{"kid": "k1", "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
		{"kid": "later", "kty": "ML-DSA"},
		{"kid": "bad", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
	}
	withCertificate := jwk("ed", good)
	withCertificate["x5u"] = server.URL + "/certificate"
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("%s was asked for", r.URL)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": append(odd[:len(odd):len(odd)], withCertificate)}) // to a recorder of ours
	})
	i := companySignOn(server)
	i.JWKSURL += "/"
	s := trusting(t, nil, i)
	known(t, s, signAs(t, jwt.SigningMethodEdDSA, "ed", good, theirs(now)))
	secret := []byte("secret-secret-secret-secret-secret")
	for name, token := range map[string]string{
		"for encryption":              signAs(t, jwt.SigningMethodRS256, "enc", forEncryption, theirs(now)),
		"for encryption, without kid": signAs(t, jwt.SigningMethodRS256, "", forEncryption, theirs(now)),
		"a published secret":          signAs(t, jwt.SigningMethodHS256, "secret", secret, theirs(now)),
		"a secret, without kid":       signAs(t, jwt.SigningMethodHS256, "", secret, theirs(now)),
	} {
		if id, err := s.Verify(token); !errors.Is(err, track.ErrUnauthorized) {
			t.Errorf("%s: got %+v, %v", name, id, err)
		}
	}
}
