package identity_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/track"
)

// A name that is there twice is refused, and names count as they are written.
func TestClaimNames(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "ed")
	i := companySignOn(server)
	i.Company, i.CompanyClaim = "", "tenant"
	s := trusting(t, nil, i)
	sign := func(payload string) string {
		text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","kid":"ed"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		sig, err := jwt.SigningMethodEdDSA.Sign(text, server.keys["ed"])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	body := func(more string) string {
		return fmt.Sprintf(`{"iss":%q,"aud":"fieldcast","sub":"me","tenant":"acme","roles":"dispatch","exp":%d%s}`, idp, now.Add(time.Hour).Unix(), more)
	}
	known(t, s, sign(body("")))
	for _, more := range []string{
		`,"exp":9999999999`, `,"tenant":"other"`, `,"roles":["dispatch"]`, `,"sub":"you"`, `,"aud":"fieldcast"`, `,"t\u0065nant":"other"`,
	} {
		if id, err := s.Verify(sign(body(more))); !errors.Is(err, track.ErrUnauthorized) {
			t.Errorf("twice%s: got %+v, %v", more, id, err)
		}
	}
	id, err := s.Verify(sign(body(`,"SUB":"you","Exp":9999999999,"Tenant":"other","AUD":"x","ROLES":"admin","Iat":9999999999`)))
	if err != nil || id.Subject != idp+"#me" || id.Company != "acme" || id.Role != track.RoleManager || !id.ExpiresAt.Before(now.Add(2*time.Hour)) {
		t.Errorf("other cases of letters: got %+v, %v", id, err)
	}
	for _, payload := range []string{
		`null`, `[]`, `"x"`, `{`, ``, `{"ISS":"` + idp + `"}`,
		strings.Replace(body(""), `"sub"`, `"SUB"`, 1), strings.Replace(body(""), `"exp"`, `"EXP"`, 1), strings.Replace(body(""), `"aud"`, `"Aud"`, 1),
		strings.Replace(body(""), `"iss"`, `"ISS"`, 1), body("") + `{}`,
	} {
		if id, err := s.Verify(sign(payload)); !errors.Is(err, track.ErrUnauthorized) {
			t.Errorf("%s: got %+v, %v", payload, id, err)
		}
	}
	for _, subject := range []string{"a/b", "#", "$SYS", "\n\x00", "用户", "${clientid}", strings.Repeat("é", 127)} {
		quoted, err := json.Marshal(subject)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := s.Verify(sign(strings.Replace(body(""), `"me"`, string(quoted), 1))); err != nil || id.Subject != idp+"#"+subject {
			t.Errorf("subject %q: got %+v, %v", subject, id, err)
		}
	}
}

// FuzzOutsideClaims: whatever a trusted issuer signs, nobody becomes an
// operator or leaves the company that the issuer speaks for.
func FuzzOutsideClaims(f *testing.F) {
	f.Add(`{"roles":"operator"}`)
	f.Add(`{"roles":["program"],"acl":{"sub":["fc/other/#","#"]}}`)
	f.Add(`{"roles":"program","acl":[{"permission":"allow","action":"all","topic":"eq fc/+/${username}/#","qos":[1]}]}`)
	f.Add(`{"roles":"phone","badge":"_server","company":"other","exp":1e300}`)
	server := newSignOn(f, "ed")
	s := trusting(f, nil, companySignOn(server))
	known(f, s, signAs(f, jwt.SigningMethodEdDSA, "ed", server.keys["ed"], theirs(time.Now())))
	f.Fuzz(func(t *testing.T, changes string) {
		var c jwt.MapClaims
		if json.Unmarshal([]byte(changes), &c) != nil {
			return
		}
		for name, value := range theirs(time.Now()) {
			if _, there := c[name]; !there {
				c[name] = value
			}
		}
		id, err := s.Verify(signAs(t, jwt.SigningMethodEdDSA, "ed", server.keys["ed"], c))
		if err != nil {
			if !errors.Is(err, track.ErrUnauthorized) {
				t.Errorf("%s: %v", changes, err)
			}
			return
		}
		if id.Company != "acme" || id.Role == track.RoleOperator || !id.Role.Valid() || id.ExpiresAt.IsZero() {
			t.Errorf("%s is %+v", changes, id)
		}
		for _, topic := range []string{"fc/other/e1/last", "fc/other/_live", "fc/acme/e1/cmd", "$SYS/x"} {
			if id.Role != track.RoleDevice && track.Allow(id, track.Receive, topic) {
				t.Errorf("%s may receive %s", changes, topic)
			}
		}
	})
}
