package broker

import (
	"testing"

	"fieldcast/track"
)

// No two identities have a key in common, whatever is in their names and in the
// client ids that they choose.
func TestSessionKey(t *testing.T) {
	parts := []string{"", "a", "b", "a/b", "/", "a%2Fb", "%", "viewer"}
	keys := map[string][4]string{}
	for _, company := range []string{"", "acme", "other"} {
		for _, role := range []track.Role{track.RoleViewer, track.RoleManager} {
			for _, subject := range parts {
				for _, token := range parts {
					id := track.Identity{Company: company, Role: role, Subject: subject, TokenID: token}
					who := [4]string{company, string(role), subject, token}
					for _, clientID := range parts {
						key := sessionKey(id, clientID)
						if other, taken := keys[key]; taken && other != who {
							t.Fatalf("%q belongs to %q and to %q", key, who, other)
						}
						keys[key] = who
					}
				}
			}
		}
	}
	old := track.Identity{Company: "acme", Role: track.RoleDevice, Employee: "e1", Subject: "e1@acme", TokenID: "old"}
	renewed := old
	renewed.TokenID = "new"
	if sessionKey(old, "phone") != sessionKey(renewed, "phone") {
		t.Error("a phone loses its session with a new token")
	}
}
