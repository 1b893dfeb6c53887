package track_test

import (
	"fmt"
	"strings"
	"testing"

	"fieldcast/track"
)

func identities(company string) []track.Identity {
	return []track.Identity{
		{Role: track.RoleDevice, Company: company, Employee: "e17"},
		{Role: track.RoleViewer, Company: company},
		{Role: track.RoleManager, Company: company},
		{Role: track.RoleAdmin, Company: company},
		{Role: track.RoleIntegrator, Company: company, Topics: []string{"fc/" + company + "/+/last"}},
		{Role: track.RoleIntegrator, Company: company, Rules: []track.Rule{{Filter: "fc/" + company + "/e18/#", Deny: true}, {Filter: "fc/" + company + "/+/last"}}},
		{Role: track.RoleOperator},
	}
}

// The answers, written once: who may publish, and who may receive, on the
// topics of the own company. Letters: d(evice) v(iewer) m(anager) a(dmin)
// i(ntegrator) o(perator).
var matrix = []struct{ topic, publish, receive string }{
	{"fc/acme/e17", "d", "mao"},
	{"fc/acme/e18", "", "mao"},
	{"fc/acme/e17/event", "d", "mao"},
	{"fc/acme/e17/status", "d", "mao"},
	{"fc/acme/e18/status", "", "mao"},
	{"fc/acme/e17/cmd", "", "do"},
	{"fc/acme/e18/cmd", "", "o"},
	{"fc/acme/e17/info", "", "do"},
	{"fc/acme/e17/last", "", "vmaio"},
	{"fc/acme/e17/presence", "", "vmao"},
	{"fc/acme/_live", "", "vmao"},
	{"fc/acme/_events", "", "vmao"},
	{"fc/acme/_rejected", "", "mao"},
	{"$SYS/broker/uptime", "", ""},
	{"fc/acme/e17/other", "", ""},
	{"other/topic", "", ""},
}

func TestAllow(t *testing.T) {
	for _, id := range identities("acme") {
		letter := string(id.Role[0])
		for _, row := range matrix {
			if got, want := track.Allow(id, track.Publish, row.topic), strings.Contains(row.publish, letter); got != want {
				t.Errorf("%s publishes %s: got %v", id.Role, row.topic, got)
			}
			if got, want := track.Allow(id, track.Receive, row.topic), strings.Contains(row.receive, letter); got != want {
				t.Errorf("%s receives %s: got %v", id.Role, row.topic, got)
			}
			other := strings.Replace(row.topic, "/acme/", "/other/", 1)
			if other != row.topic && id.Role != track.RoleOperator {
				for _, action := range []track.Action{track.Publish, track.Receive, track.Subscribe} {
					if track.Allow(id, action, other) {
						t.Errorf("%s of acme may %d on %s", id.Role, action, other)
					}
				}
			}
		}
	}
	for _, row := range matrix {
		for _, action := range []track.Action{0, track.Publish, track.Receive, track.Subscribe, 99} {
			if track.Allow(track.Identity{}, action, row.topic) {
				t.Errorf("nobody may %d on %s", action, row.topic)
			}
		}
	}
}

func TestNarrow(t *testing.T) {
	ids := identities("acme")
	device, viewer, manager, integrator, operator := ids[0], ids[1], ids[2], ids[4], ids[6]
	for _, tt := range []struct {
		id           track.Identity
		filter, want string // empty: refused
	}{
		{device, "fc/acme/e17/cmd", "fc/acme/e17/cmd"},
		{device, "fc/+/+", "fc/acme/e17"},
		{device, "fc/+/+/cmd", "fc/acme/e17/cmd"},
		{device, "+/+/+/info", "fc/acme/e17/info"},
		{device, "#", "fc/acme/e17/#"},
		{device, "fc/acme/e18/cmd", ""},
		{device, "fc/other/e17/cmd", ""},
		{device, "$share/g/fc/acme/e17/cmd", ""},
		{viewer, "fc/acme/+/last", "fc/acme/+/last"},
		{viewer, "fc/acme/_rejected", ""},
		{viewer, "fc/acme/_live", "fc/acme/_live"},
		{manager, "#", "fc/acme/#"},
		{manager, "fc/#", "fc/acme/#"},
		{manager, "+/+/+/last", "fc/acme/+/last"},
		{manager, "fc/other/#", ""},
		{manager, "$SYS/#", ""},
		{manager, "$share/g/fc/+/+/last", "$share/g/fc/acme/+/last"},
		{manager, "$SHARE/g/fc/other/#", ""},
		{manager, "$share//fc/acme/#", ""},
		{manager, "$share/+/fc/acme/#", ""},
		{manager, "$share/g", ""},
		{manager, "fc", ""},
		{manager, "", ""},
		{manager, "fc/acme/#/last", ""},
		{manager, "fc/acme/e+/last", ""},
		{manager, strings.Repeat("/", 32000), ""},
		{integrator, "fc/acme/+/last", "fc/acme/+/last"},
		{integrator, "fc/acme/e17/last", "fc/acme/e17/last"},
		{integrator, "fc/acme/_live", ""},
		{operator, "fc/+/+/last", "fc/+/+/last"},
		{operator, "#", "#"},
		{operator, "$SYS/#", ""},
		{track.Identity{}, "fc/acme/#", ""},
	} {
		got, ok := track.Narrow(tt.id, tt.filter)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %.40q: got %q, %v, want %q", tt.id.Role, tt.filter, got, ok, tt.want)
		}
	}
}

// An integrator's token with filters that reach too far gives nothing of
// another company.
func TestIntegratorStaysInside(t *testing.T) {
	id := track.Identity{Role: track.RoleIntegrator, Company: "acme", Topics: []string{"#", "fc/+/+/last", "fc/other/#"}}
	if !track.Allow(id, track.Receive, "fc/acme/e1/last") {
		t.Error("own company: denied")
	}
	if track.Allow(id, track.Receive, "fc/other/e1/last") {
		t.Error("other company: allowed")
	}
	if got, ok := track.Narrow(id, "fc/other/#"); ok {
		t.Errorf("other company's filter granted as %q", got)
	}
}

// The first rule that matches decides, and what none names is denied.
func TestRules(t *testing.T) {
	id := track.Identity{Role: track.RoleIntegrator, Company: "acme", Rules: []track.Rule{
		{Filter: "fc/acme/e1/presence"},
		{Filter: "fc/acme/e1/#", Deny: true},
		{Filter: "fc/acme/+/last"},
		{Filter: "fc/acme/e2/last", Deny: true}, // too late
		{Filter: "#"},
		{Filter: "fc/other/#"},
	}}
	for topic, want := range map[string]bool{
		"fc/acme/e1/presence": true, "fc/acme/e1/last": false, "fc/acme/e1": false, "fc/acme/e2/last": true,
		"fc/acme/_live": true, "fc/acme/e2/cmd": false, "fc/other/e1/last": false,
	} {
		if got := track.Allow(id, track.Receive, topic); got != want {
			t.Errorf("%s: %v, want %v", topic, got, want)
		}
	}
	none := track.Identity{Role: track.RoleIntegrator, Company: "acme", Rules: []track.Rule{{Filter: "fc/acme/#", Deny: true}}}
	if _, ok := track.Narrow(none, "fc/acme/+/last"); ok {
		t.Error("a filter is granted though everything is denied")
	}
}

// No input may reach another company: whatever is asked, what comes back
// overlaps nothing of it, and none of its topics is granted.
func FuzzAllow(f *testing.F) {
	for _, s := range []string{"#", "fc/+/+", "$share/g/#", "fc/other/e1/last", "+/other/#", "fc/acme/#", "$SHARE/x/fc/other/#", "fc/acme/e17/cmd"} {
		for role := range uint8(6) {
			f.Add(s, role)
		}
	}
	foreign := []string{"fc/other/e1", "fc/other/e1/last", "fc/other/e17/cmd", "fc/other/_live", "fc/other/_rejected", "fc/other/e17/presence"}
	f.Fuzz(func(t *testing.T, s string, role uint8) {
		ids := identities("acme")
		id := ids[int(role)%(len(ids)-1)] // all but the operator
		for _, action := range []track.Action{track.Publish, track.Receive, track.Subscribe} {
			if track.Allow(id, action, s) && !strings.HasPrefix(s, "fc/acme/") {
				t.Errorf("%s may %d on %q", id.Role, action, s)
			}
		}
		narrowed, ok := track.Narrow(id, s)
		if !ok {
			return
		}
		_, inner := share(narrowed)
		for _, topic := range foreign {
			if track.Overlap(inner, topic) || track.Match(inner, topic) {
				t.Errorf("%s asks %q, gets %q, which reaches %s", id.Role, s, narrowed, topic)
			}
		}
		if again, ok := track.Narrow(id, narrowed); !ok || again != narrowed {
			t.Errorf("%q narrowed again is %q, %v", narrowed, again, ok)
		}
	})
}

// The same for access lists that somebody else has written, which may name
// anything: no rule opens another company, and a denial is never undone by what
// follows it.
func FuzzAllowRules(f *testing.F) {
	f.Add("#", "fc/other/#", "fc/acme/e1/#", "fc/acme/e1/last")
	f.Add("fc/+/+/last", "$share/g/fc/other/#", "#", "fc/other/e1/last")
	f.Add("+/other/#", "fc/acme/+/cmd", "fc/acme/+", "fc/+/e17/cmd")
	f.Add("fc/other", "fc/acme//#", "", "fc/acme/_live")
	foreign := []string{"fc/other/e1", "fc/other/e1/last", "fc/other/e17/cmd", "fc/other/_live", "fc/other/_rejected"}
	f.Fuzz(func(t *testing.T, allow, also, deny, asked string) {
		id := track.Identity{Role: track.RoleIntegrator, Company: "acme", Rules: []track.Rule{{Filter: deny, Deny: true}, {Filter: allow}, {Filter: also}}}
		for _, topic := range append(foreign, asked) {
			if track.Allow(id, track.Publish, topic) {
				t.Errorf("%+v may publish %q", id.Rules, topic)
			}
			if track.Allow(id, track.Receive, topic) && (!strings.HasPrefix(topic, "fc/acme/") || track.Match(deny, topic)) {
				t.Errorf("%+v may receive %q", id.Rules, topic)
			}
		}
		for _, filter := range []string{asked, allow, also} {
			narrowed, ok := track.Narrow(id, filter)
			if !ok {
				continue
			}
			_, inner := share(narrowed)
			for _, topic := range foreign {
				if track.Overlap(inner, topic) {
					t.Errorf("%+v asks %q, gets %q, which reaches %s", id.Rules, filter, narrowed, topic)
				}
			}
		}
	})
}

func share(filter string) (group, inner string) {
	if len(filter) > 7 && strings.EqualFold(filter[:7], "$share/") {
		group, inner, _ = strings.Cut(filter[7:], "/")
		return group, inner
	}
	return "", filter
}

func BenchmarkAllowReceive(b *testing.B) {
	id := track.Identity{Role: track.RoleManager, Company: "acme"}
	b.ReportAllocs()
	for b.Loop() {
		if !track.Allow(id, track.Receive, "fc/acme/e17/last") {
			b.Fatal("denied")
		}
	}
}

func ExampleNarrow() {
	phone := track.Identity{Role: track.RoleDevice, Company: "acme", Employee: "e17"}
	fmt.Println(track.Narrow(phone, "fc/+/+/cmd"))
	// Output: fc/acme/e17/cmd true
}
