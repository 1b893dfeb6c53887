package e2e_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMosquittoPublish: mosquitto_pub in each version and QoS, with the
// retained flag, and with many lines: each is stored once, a reader gets each
// once and in order, and nothing is retained.
func TestMosquittoPublish(t *testing.T) {
	needMosquitto(t)
	s := startServer(t, "")
	phones := crew(t, s, 1)
	phone, manager := mosquittoOf(s, phones[0]), mosquitto{s, "asha", s.token("acme", "manager")}
	readers := map[string]*client{}
	for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		readers[version] = manager.sub(version, "-i", "r-"+version, "-q", "1", "-t", "fc/acme/e1")
	}
	sent := locations(9 + 3*50)
	i := 0
	for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		for _, qos := range []string{"0", "1", "2"} {
			if code, said := phone.pub("", version, "-i", phones[0].ClientID, "-q", qos, "-r", "-t", "fc/acme/e1", "-m", sent[i]); code != 0 {
				t.Errorf("%s QoS %s: exit code %d: %s", version, qos, code, said)
			}
			i++
			// QoS 0 has no answer: the next must not overtake it on another connection.
			eventually(t, 10*time.Second, "it is there", func() bool { return len(readers["mqttv5"].with("MSG ")) == i })
		}
		lines := strings.Join(sent[i:i+50], "\n") + "\n"
		if code, said := phone.pub(lines, version, "-i", phones[0].ClientID, "-q", "1", "-t", "fc/acme/e1", "-l"); code != 0 {
			t.Errorf("%s, 50 lines: exit code %d: %s", version, code, said)
		}
		i += 50
	}
	token := manager.pass
	eventually(t, 20*time.Second, "each is stored once", func() bool { return s.stats("acme", token).Fixes == int64(len(sent)) })
	for version, r := range readers {
		eventually(t, 20*time.Second, version+" has got all", func() bool { return len(r.with("MSG ")) >= len(sent) })
		var bodies []string
		for _, line := range r.with("MSG ") {
			f := strings.SplitN(line, "|", 4)
			if f[2] != "0" {
				t.Errorf("%s: a publish came with the retained flag: %s", version, line)
			}
			bodies = append(bodies, f[3])
		}
		sameLines(t, version, bodies, sent)
	}
	// What comes after the marker would have come before it, were it retained.
	late := manager.sub("mqttv5", "-i", "late", "-q", "1", "-t", "fc/acme/e1")
	if code, said := phone.pub("", "mqttv5", "-q", "1", "-t", "fc/acme/e1", "-m", sent[0]); code != 0 {
		t.Fatal(said)
	}
	eventually(t, 10*time.Second, "the late reader hears the next", func() bool { return len(late.with("MSG ")) > 0 })
	sameLines(t, "the late reader", late.with("MSG "), []string{"fc/acme/e1|1|0|" + sent[0]})
	if st := s.stats("acme", token); st.Fixes != int64(len(sent)) || st.Rejected != 0 {
		t.Errorf("after a repeated fix: %+v, want %d fixes and none rejected", st, len(sent))
	}
}

// TestMosquittoRefused: a login that is refused has the exit code of the reason
// that the version knows, and MQTT 5 is told why a publish was not taken.
func TestMosquittoRefused(t *testing.T) {
	needMosquitto(t)
	s := startServer(t, "")
	phones := crew(t, s, 2)
	wrong := mosquitto{s, phones[0].Username, phones[0].Password[:len(phones[0].Password)-6] + "AAAAAA"}
	stolen := mosquitto{s, phones[1].Username, phones[0].Password}
	viewer := mosquitto{s, "x", s.token("acme", "viewer")}
	phone := mosquittoOf(s, phones[0])
	for _, tt := range []struct {
		name    string
		who     mosquitto
		version string
		more    []string
		code    int
		said    string
	}{
		{"wrong password, 3.1", wrong, "mqttv31", []string{"-t", "fc/acme/e1"}, 5, "not authorised"},
		{"wrong password, 3.1.1", wrong, "mqttv311", []string{"-t", "fc/acme/e1"}, 5, "not authorised"},
		{"wrong password, 5", wrong, "mqttv5", []string{"-t", "fc/acme/e1"}, 0x86, "Bad User Name or Password"},
		{"another's token, 5", stolen, "mqttv5", []string{"-t", "fc/acme/e2"}, 0x86, "Bad User Name or Password"},
		{"a will on another's topic, 3.1.1", phone, "mqttv311", []string{"-t", "fc/acme/e1", "--will-topic", "fc/acme/e2"}, 5, "not authorised"},
		{"a will on another's topic, 5", phone, "mqttv5", []string{"-t", "fc/acme/e1", "--will-topic", "fc/acme/e2"}, 0x87, "Not authorized"},
		{"another's topic, 3.1.1", phone, "mqttv311", []string{"-t", "fc/acme/e2"}, 0, ""},
		{"another's topic, 5", phone, "mqttv5", []string{"-t", "fc/acme/e2"}, 0, "Not authorized"},
		{"what cannot be read, 5", phone, "mqttv5", []string{"-t", "fc/acme/e1"}, 0, "neither JSON nor a batch"},
		{"a viewer, 5", viewer, "mqttv5", []string{"-t", "fc/acme/e1"}, 0, "Not authorized"},
	} {
		code, said := tt.who.pub("", tt.version, append([]string{"-q", "1", "-m", "junk"}, tt.more...)...)
		if code != tt.code || !strings.Contains(said, tt.said) {
			t.Errorf("%s: exit code %d, said %q; want %d and %q", tt.name, code, said, tt.code, tt.said)
		}
	}
	// 0x87 and 0x80 are how a filter is refused.
	for version, want := range map[string]string{"mqttv5": "135", "mqttv311": "128"} {
		p := viewer.sub(version, "-t", "fc/acme/_rejected")
		p.says("): " + want)
	}
	token := s.token("acme", "manager")
	eventually(t, 10*time.Second, "what phones sent is kept as rejected", func() bool { return s.stats("acme", token).Rejected == 3 })
	if fixes := s.stats("acme", token).Fixes; fixes != 0 {
		t.Errorf("%d fixes were made of junk", fixes)
	}
}

// TestMosquittoWill: nobody gets the will of a phone that vanishes; presence
// tells it. The phone's own subscription, to its commands, is granted, and no
// other phone can write there.
func TestMosquittoWill(t *testing.T) {
	needMosquitto(t)
	for _, version := range []string{"mqttv31", "mqttv311", "mqttv5"} {
		t.Run(version, func(t *testing.T) {
			s := startServer(t, "")
			phones := crew(t, s, 2)
			manager := mosquitto{s, "asha", s.token("acme", "manager")}
			reader := manager.sub(version, "-i", "r", "-q", "1", "-t", "fc/acme/#")
			phone := mosquittoOf(s, phones[0]).sub(version, "-i", phones[0].ClientID, "-c", "-q", "1", "-t", "fc/acme/e1/cmd",
				"--will-topic", "fc/acme/e1/status", "--will-payload", "gone", "--will-qos", "1", "--will-retain")
			phone.says("): 1") // granted with QoS 1
			presence := func(state string) func() bool {
				return func() bool {
					for _, line := range reader.with("MSG fc/acme/e1/presence|1|0|") {
						if strings.Contains(line, fmt.Sprintf("%q", state)) {
							return true
						}
					}
					return false
				}
			}
			eventually(t, 10*time.Second, "the phone is online", presence("online"))
			other := mosquittoOf(s, phones[1])
			if code, said := other.pub("", version, "-q", "1", "-t", "fc/acme/e1/cmd", "-m", `{"_type":"cmd","action":"reportLocation"}`); code != 0 {
				t.Errorf("exit code %d: %s", code, said)
			}
			must(t, phone.cmd.Process.Signal(syscall.SIGKILL))
			eventually(t, 10*time.Second, "the phone is offline", presence("offline"))
			// A message after it proves that nothing more is under way.
			if code, said := other.pub("", version, "-q", "1", "-t", "fc/acme/e2", "-m", location(1)); code != 0 {
				t.Errorf("exit code %d: %s", code, said)
			}
			eventually(t, 10*time.Second, "the other phone is heard", func() bool { return len(reader.with("MSG fc/acme/e2|")) == 1 })
			if got := reader.with("MSG fc/acme/e1/status"); len(got) != 0 {
				t.Errorf("the will was delivered: %q", got)
			}
			if got := phone.with("MSG "); len(got) != 0 {
				t.Errorf("another phone's command was delivered: %q", got)
			}
		})
	}
}
