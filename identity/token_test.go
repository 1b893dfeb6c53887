package identity_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/identity"
	"fieldcast/track"
)

// good are the claims of a device's token that is valid at now.
func good(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "fieldcast", "aud": "fieldcast", "sub": "e17@acme", "jti": "t1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"role": "device", "company": "acme", "employee": "e17",
	}
}

// with changes claims; a nil value removes one.
func with(c jwt.MapClaims, changes jwt.MapClaims) jwt.MapClaims {
	c = maps.Clone(c)
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(tb testing.TB, method jwt.SigningMethod, key any, c jwt.Claims) string {
	tb.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// reheader puts another header on a token and signs it with the key of HS256.
func reheader(tb testing.TB, token, header string) string {
	tb.Helper()
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload
	sum, err := jwt.SigningMethodHS256.Sign(text, testKey)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sum)
}

func TestVerifyRefuses(t *testing.T) {
	f := newFixture(t)
	now := f.clock.now()
	base := good(now)
	hs := func(changes jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodHS256, testKey, with(base, changes))
	}
	valid := hs(nil)
	if _, err := f.Verify(valid); err != nil {
		t.Fatalf("the token that the others are made from: %v", err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(valid, ".")
	integrator := jwt.MapClaims{"role": "integrator", "employee": nil}
	for _, tt := range []struct {
		name, token string
		want        error
	}{
		{"nothing", "", identity.ErrMalformed},
		{"a password", password, identity.ErrMalformed},
		{"dots", "..", identity.ErrMalformed},
		{"one part missing", parts[0] + "." + parts[1], identity.ErrMalformed},
		{"one part more", valid + ".x", identity.ErrMalformed},
		{"truncated", valid[:len(valid)-3], identity.ErrBadSignature},
		{"no signature", parts[0] + "." + parts[1] + ".", identity.ErrBadSignature},
		{"huge", strings.Repeat("a", identity.MaxTokenBytes+1), identity.ErrTooLarge},
		{"huge with dots", strings.Repeat(".", 1<<20), identity.ErrTooLarge},
		{"padded base64", valid + "=", identity.ErrMalformed},
		{"a space", valid + " ", identity.ErrMalformed},
		{"other key", sign(t, jwt.SigningMethodHS256, bytes.Repeat([]byte("x"), 32), base), identity.ErrBadSignature},
		{"no algorithm", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, base), identity.ErrBadSignature},
		{"HS512 with our key", sign(t, jwt.SigningMethodHS512, testKey, base), identity.ErrBadSignature},
		{"RS256", sign(t, jwt.SigningMethodRS256, rsaKey, base), identity.ErrBadSignature},
		{"RS256 in the header, HMAC of our key", reheader(t, valid, `{"alg":"RS256","typ":"JWT"}`), identity.ErrBadSignature},
		{"none in the header, HMAC of our key", reheader(t, valid, `{"alg":"none"}`), identity.ErrBadSignature},
		{"NONE", reheader(t, valid, `{"alg":"NoNe"}`), identity.ErrBadSignature},
		{"hs256 in lower case", reheader(t, valid, `{"alg":"hs256"}`), identity.ErrBadSignature},
		{"no alg", reheader(t, valid, `{}`), identity.ErrBadSignature},
		{"alg is a number", reheader(t, valid, `{"alg":1}`), identity.ErrBadSignature},
		{"header is null", reheader(t, valid, `null`), identity.ErrBadSignature},
		{"header is an array", reheader(t, valid, `[]`), identity.ErrMalformed},

		{"expired", hs(jwt.MapClaims{"exp": now.Unix()}), identity.ErrExpired},
		{"long expired", hs(jwt.MapClaims{"exp": now.Add(-time.Hour).Unix()}), identity.ErrExpired},
		{"no exp", hs(jwt.MapClaims{"exp": nil}), identity.ErrBadClaims},
		{"exp is a word", hs(jwt.MapClaims{"exp": "tomorrow"}), identity.ErrMalformed},
		{"not yet valid", hs(jwt.MapClaims{"nbf": now.Add(time.Minute).Unix()}), identity.ErrNotYetValid},
		{"no nbf", hs(jwt.MapClaims{"nbf": nil}), identity.ErrBadClaims},
		{"issued in the future", hs(jwt.MapClaims{"iat": now.Add(time.Minute).Unix()}), identity.ErrNotYetValid},
		{"no iat", hs(jwt.MapClaims{"iat": nil}), identity.ErrBadClaims},
		{"wrong audience", hs(jwt.MapClaims{"aud": "other"}), identity.ErrWrongAudience},
		{"a session's audience", hs(jwt.MapClaims{"aud": "fieldcast-session"}), identity.ErrWrongAudience},
		{"no audience", hs(jwt.MapClaims{"aud": nil}), identity.ErrBadClaims},
		{"wrong issuer", hs(jwt.MapClaims{"iss": "https://idp.example"}), identity.ErrWrongIssuer},
		{"no issuer", hs(jwt.MapClaims{"iss": nil}), identity.ErrBadClaims},

		{"no id", hs(jwt.MapClaims{"jti": nil}), identity.ErrBadClaims},
		{"no subject", hs(jwt.MapClaims{"sub": nil}), identity.ErrBadClaims},
		{"no role", hs(jwt.MapClaims{"role": nil}), identity.ErrBadClaims},
		{"unknown role", hs(jwt.MapClaims{"role": "root"}), identity.ErrBadClaims},
		{"role is a list", hs(jwt.MapClaims{"role": []string{"device"}}), identity.ErrMalformed},
		{"no company", hs(jwt.MapClaims{"company": nil}), identity.ErrBadClaims},
		{"manager without company", hs(jwt.MapClaims{"role": "manager", "company": nil, "employee": nil}), identity.ErrBadClaims},
		{"company with a wildcard", hs(jwt.MapClaims{"company": "+"}), identity.ErrBadClaims},
		{"device without employee", hs(jwt.MapClaims{"employee": nil}), identity.ErrBadClaims},
		{"employee with a wildcard", hs(jwt.MapClaims{"employee": "#"}), identity.ErrBadClaims},
		{"employee of a manager", hs(jwt.MapClaims{"role": "manager"}), identity.ErrBadClaims},
		{"integrator without topics", hs(integrator), identity.ErrBadClaims},
		{"integrator of all", hs(with(integrator, jwt.MapClaims{"employee": nil, "topics": []string{"#"}})), identity.ErrBadClaims},
		{"integrator of another company", hs(jwt.MapClaims{"role": "integrator", "employee": nil, "topics": []string{"fc/acme/+/last", "fc/other/#"}}), identity.ErrBadClaims},
		{"topics of a device", hs(jwt.MapClaims{"topics": []string{"fc/acme/#"}}), identity.ErrBadClaims},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := f.Verify(tt.token)
			if !errors.Is(err, tt.want) || !errors.Is(err, track.ErrUnauthorized) {
				t.Errorf("Verify: got %v, want %v", err, tt.want)
			}
			if !reflect.DeepEqual(id, track.Identity{}) {
				t.Errorf("Verify: a refusal says who it is: %+v", id)
			}
			if id, err := f.Authenticate("e17@acme", tt.token); !errors.Is(err, tt.want) || id.Role != "" {
				t.Errorf("Authenticate: got %+v, %v, want %v", id, err, tt.want)
			}
			if err != nil && len(tt.token) > 8 && strings.Contains(err.Error(), tt.token[:8]) {
				t.Errorf("the message holds the token: %v", err)
			}
		})
	}
	if f.log.Len() > 0 {
		t.Errorf("logged: %s", f.log)
	}
}

// Every single changed character makes a token worthless.
func TestVerifyRefusesEveryChange(t *testing.T) {
	f := newFixture(t)
	token := f.mustIssue(t, device)
	for i := range token {
		changed := []byte(token)
		if changed[i] == 'A' {
			changed[i] = 'B'
		} else {
			changed[i] = 'A'
		}
		if id, err := f.Verify(string(changed)); err == nil {
			t.Fatalf("byte %d of %d changed: accepted as %+v", i, len(token), id)
		}
	}
}

func TestVerifyAllowsClocksToDiffer(t *testing.T) {
	f := newFixture(t)
	now := f.clock.now()
	ahead := now.Add(8 * time.Second).Unix()
	token := sign(t, jwt.SigningMethodHS256, testKey, with(good(now), jwt.MapClaims{"nbf": ahead, "iat": ahead}))
	if _, err := f.Verify(token); err != nil {
		t.Errorf("issued by a server whose clock is 8 s ahead: %v", err)
	}
}

func TestExpiryIsExact(t *testing.T) {
	f := newFixture(t)
	token := f.mustIssue(t, identity.Grant{Role: track.RoleViewer, Company: "acme", TTL: time.Minute})
	id, err := f.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.advance(id.ExpiresAt.Sub(f.clock.now()) - time.Nanosecond)
	if _, err := f.Verify(token); err != nil {
		t.Errorf("before the moment at which the connection is closed: %v", err)
	}
	f.clock.advance(time.Nanosecond)
	if _, err := f.Verify(token); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("at that moment: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	fix := newFixture(f)
	now := fix.clock.now()
	valid := sign(f, jwt.SigningMethodHS256, testKey, good(now))
	f.Add(valid)
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(now)))
	f.Add(reheader(f, valid, `{"alg":"RS256"}`))
	f.Add(reheader(f, valid, `null`))
	for _, s := range []string{"", "..", "e30.e30.", "bnVsbA.bnVsbA.bnVsbA", valid[:len(valid)/2], strings.Repeat(".", 9000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := fix.Authenticate("e17@acme", token)
		var refusal *identity.Failure
		switch {
		case err == nil && token != valid:
			t.Errorf("%q is accepted as %+v", token, id)
		case err != nil && !errors.As(err, &refusal):
			t.Errorf("%q: %v is no Failure", token, err)
		}
	})
}

// A payload that is signed with our key, whatever it holds, gives no identity
// that does not fit its role.
func FuzzSignedClaims(f *testing.F) {
	fix := newFixture(f)
	for _, s := range []string{
		`null`, `[]`, `{}`, `{"exp":1e300}`, `{"aud":["a","fieldcast"]}`,
		`{"iss":"fieldcast","aud":"fieldcast","sub":"x","jti":"x","iat":1795428000,"nbf":1795428000,"exp":1895428000,"role":"integrator","company":"acme","topics":["fc/acme/+/last"]}`,
		`{"iss":"fieldcast","aud":"fieldcast","sub":"x","jti":"x","iat":-1,"nbf":-1e18,"exp":9e18,"role":"operator"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString(payload)
		sum, err := jwt.SigningMethodHS256.Sign(text, testKey)
		if err != nil {
			t.Fatal(err)
		}
		id, err := fix.Verify(text + "." + base64.RawURLEncoding.EncodeToString(sum))
		if err != nil {
			return
		}
		if !id.Role.Valid() || id.TokenID == "" || id.ExpiresAt.IsZero() {
			t.Errorf("%s gives %+v", payload, id)
		}
		if id.Role != track.RoleOperator && track.CheckCompany(id.Company) != nil {
			t.Errorf("%s gives %+v", payload, id)
		}
	})
}
