package identity_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fieldcast/track"
)

// The claim acl in both shapes, in our own tokens and in those of others: what
// a program of acme may read.
func TestACL(t *testing.T) {
	now := time.Now()
	server := newSignOn(t, "ed")
	s := trusting(t, nil, companySignOn(server))
	const last, presence, live, raw, other = "fc/acme/e1/last", "fc/acme/e1/presence", "fc/acme/_live", "fc/acme/e1", "fc/other/e1/last"
	all := []string{last, presence, live, raw, other, "fc/acme/e2/last"}
	for _, tt := range []struct {
		name, acl string
		want      string // topics; empty: refused
	}{
		{"lists", `{"sub":["fc/acme/+/last"],"pub":["fc/acme/#"],"all":["fc/acme/_live"]}`, last + " " + live + " fc/acme/e2/last"},
		{"only publishing", `{"pub":["fc/acme/#"]}`, ""},
		{"empty lists", `{"sub":[],"all":[]}`, ""},
		{"everything", `{"sub":["#"]}`, last + " " + presence + " " + live + " " + raw + " fc/acme/e2/last"},
		{"another company", `{"sub":["fc/other/#","+/other/+/last"]}`, ""},
		{"both companies", `{"sub":["fc/other/#","fc/acme/_live"]}`, live},
		{"shared", `{"sub":["$share/g/fc/acme/+/last"]}`, ""},
		{"client id, old", `{"sub":["fc/acme/%c/last"]}`, ""},
		{"user name", `{"all":["fc/acme/${username}/last","fc/acme/e2/last"]}`, "fc/acme/e2/last"},

		{"rules", `[{"permission":"allow","action":"subscribe","topic":"fc/acme/+/last"}]`, last + " fc/acme/e2/last"},
		{"deny first", `[{"permission":"deny","action":"all","topic":"fc/acme/e1/#"},{"permission":"allow","action":"all","topic":"fc/acme/+/last"}]`, "fc/acme/e2/last"},
		{"deny too late", `[{"permission":"allow","action":"all","topic":"fc/acme/+/last"},{"permission":"deny","action":"all","topic":"fc/acme/e1/#"}]`, last + " fc/acme/e2/last"},
		{"publish rules", `[{"permission":"deny","action":"publish","topic":"#"},{"permission":"allow","action":"subscribe","topic":"fc/acme/_live"}]`, live},
		{"literal", `[{"permission":"allow","action":"subscribe","topic":"eq fc/acme/+/presence"}]`, presence},
		{"allow if", `[{"permission":"allow","action":"subscribe","topic":"fc/acme/#","qos":[0]}]`, ""},
		{"allow some if", `[{"permission":"allow","action":"subscribe","topic":"fc/acme/#","ipaddr":"10.0.0.0/8"},{"permission":"allow","action":"subscribe","topic":"fc/acme/_live","qos":null}]`, live},
		{"deny if", `[{"permission":"deny","action":"subscribe","topic":"fc/acme/e1/#","clientid_re":"x"},{"permission":"allow","action":"subscribe","topic":"fc/acme/+/last"}]`, "fc/acme/e2/last"},
		{"deny the client's own", `[{"permission":"deny","action":"all","topic":"fc/acme/${clientid}/last"},{"permission":"allow","action":"all","topic":"fc/acme/#"}]`, presence + " " + live + " " + raw},
		{"unknown words", `[{"permission":"permit","action":"subscribe","topic":"#"},{"permission":"allow","action":"read","topic":"#"}]`, ""},
		{"a denial that cannot be read", `[{"permission":"Deny","action":"all","topic":"fc/acme/e1/#"},{"permission":"allow","action":"all","topic":"#"}]`, ""},
		{"a denial of nothing", `[{"permission":"deny","action":"all"},{"permission":"allow","action":"all","topic":"#"}]`, ""},
		{"said twice", `[{"permission":"deny","permission":"allow","action":"all","topic":"#"}]`, ""},
		{"a condition of tomorrow", `[{"permission":"allow","action":"all","topic":"#","weekday":"monday"},{"permission":"allow","action":"all","topic":"fc/acme/_live"}]`, live},
		{"retain is about publishing", `[{"permission":"allow","action":"all","topic":"fc/acme/_live","retain":true}]`, live},
		{"deny only", `[{"permission":"deny","action":"all","topic":"#"}]`, ""},
		{"too many", "[" + strings.Repeat(`{"permission":"allow","action":"all","topic":"#"},`, 64) + `{"permission":"allow","action":"all","topic":"#"}]`, ""},
		{"a string", `"#"`, ""},
		{"null", `null`, ""},
	} {
		own := with(good(now), jwt.MapClaims{"role": "integrator", "employee": nil, "acl": json.RawMessage(tt.acl)})
		outside := with(theirs(now), jwt.MapClaims{"roles": "program", "acl": json.RawMessage(tt.acl)})
		for kind, token := range map[string]string{
			"own": sign(t, jwt.SigningMethodHS256, testKey, own), "outside": signAs(t, jwt.SigningMethodEdDSA, "ed", server.keys["ed"], outside),
		} {
			if tt.want != "" {
				known(t, s, token)
			}
			id, err := s.Verify(token)
			if tt.want == "" {
				if !errors.Is(err, track.ErrUnauthorized) {
					t.Errorf("%s, %s: got %+v, %v", kind, tt.name, id, err)
				}
				continue
			}
			var got []string
			for _, topic := range all {
				if track.Allow(id, track.Receive, topic) {
					got = append(got, topic)
				}
			}
			if err != nil || strings.Join(got, " ") != tt.want {
				t.Errorf("%s, %s: may read %v, %v, want %s", kind, tt.name, got, err, tt.want)
			}
			if _, ok := track.Narrow(id, "fc/acme/#"); !ok {
				t.Errorf("%s, %s: may not subscribe to the company", kind, tt.name)
			}
		}
	}
}

// Topics beside a list that cannot be read are not what is left: it might have
// narrowed them.
func TestACLBesideTopics(t *testing.T) {
	s := trusting(t, nil)
	for acl, want := range map[string]bool{`[{"permission":"deny","action":"all","topic":5}]`: false, `{"sub":["fc/acme/_live"]}`: true} {
		token := sign(t, jwt.SigningMethodHS256, testKey, with(good(time.Now()), jwt.MapClaims{
			"role": "integrator", "employee": nil, "topics": []string{"fc/acme/+/last"}, "acl": json.RawMessage(acl),
		}))
		if id, err := s.Verify(token); (err == nil) != want {
			t.Errorf("%s: got %+v, %v", acl, id, err)
		}
	}
}
