package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// needMQTTjs returns Node, and the file from which the web app's modules are
// found.
func needMQTTjs(t *testing.T) (node, modules string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs Node: install Node 20 or newer, or run scripts/test")
	}
	modules, err = filepath.Abs("../dashboard/web/package.json")
	must(t, err)
	if _, err := os.Stat(filepath.Join(filepath.Dir(modules), "node_modules", "mqtt")); err != nil {
		t.Skip("needs MQTT.js: run scripts/build, which installs the web app's modules, or scripts/test")
	}
	return node, modules
}

// TestMQTTjs: a reader and a phone by the library that the web app uses, in
// each version over TCP and WebSocket, and over a crash of the server. All that
// was published is stored once; the reader gets each message once and, for a
// QoS, in order within a connection, and has the last value after it.
func TestMQTTjs(t *testing.T) {
	node, modules := needMQTTjs(t)
	for _, transport := range []string{"mqtt", "ws"} {
		for _, version := range []string{"4", "5"} {
			t.Run(transport+" "+version, func(t *testing.T) {
				testMQTTjs(t, node, modules, transport, version)
			})
		}
	}
}

func testMQTTjs(t *testing.T, node, modules, transport, version string) {
	s := startServer(t, "")
	phone := crew(t, s, 1)[0]
	manager := s.token("acme", "manager")
	sent := locations(60)
	before, after := sent[:45], sent[45:]
	url := map[string]string{"mqtt": "mqtt://" + s.MQTT, "ws": "ws://" + s.HTTP + "/mqtt"}[transport]
	cmd := exec.Command(node, "testdata/mqttjs.mjs")
	cmd.Env = append(os.Environ(), "MODULES="+modules, "URL="+url, "VERSION="+version, "BEFORE="+asJSON(t, before), "AFTER="+asJSON(t, after),
		"USER="+phone.Username, "PASSWORD="+phone.Password, "CLIENT_ID="+phone.ClientID, "TOKEN="+manager)
	js := launch(t, cmd)

	js.says("STEP published")
	eventually(t, 10*time.Second, "the reader has got all", func() bool { return len(js.with("RAW ")) >= len(before) })
	// QoS 0 need not wait for an acknowledgement, and may be earlier [MQTT-4.6.0-6].
	for _, qos := range []string{"0 ", "1 "} {
		sameLines(t, "before the crash, QoS "+qos, beginning(js.with("RAW "), qos), beginning(received(before, 0, 1, 2), qos))
	}
	if granted := js.with("GRANTED "); len(granted) != 1 || granted[0] != "1,1,1,1,1" {
		t.Errorf("granted %v; refused %v", granted, js.with("REFUSED "))
	}
	if cmd := js.with("CMD "); len(cmd) != 1 || cmd[0] != "1" {
		t.Errorf("the phone's commands: granted %v", cmd)
	}
	if aliased := js.with("ALIASED "); version == "5" && aliased[0] != strconv.Itoa(len(before)-1) {
		t.Errorf("%v publishes had an alias instead of a topic, want all but the first", aliased)
	}
	eventually(t, 10*time.Second, "the last position and presence have come", func() bool { return ends(js.with("LAST "), "12.0044") && ends(js.with("STATE "), "online") })
	eventually(t, 10*time.Second, "live frames have come", func() bool { return len(js.with("LIVE ")) > 0 })

	s.kill()
	_, err := js.stdin.Write([]byte("\n"))
	must(t, err)
	js.says("STEP queued")
	s.start()
	js.says("STEP acknowledged")
	token := s.token("acme", "viewer")
	eventually(t, 20*time.Second, "each is stored once", func() bool { return s.stats("acme", token).Fixes == int64(len(sent)) })
	// What the phone sent before the reader was back is not sent to it: it has
	// the newest value instead.
	eventually(t, 20*time.Second, "the reader has the last position and presence", func() bool {
		return ends(js.with("LAST "), "12.0059") && ends(js.with("STATE "), "online")
	})
	late := js.with("RAW ")[len(before):]
	sameLines(t, "after the crash", late, received(after, 1)[max(0, len(after)-len(late)):])
	_, err = js.stdin.Write([]byte("\n"))
	must(t, err)
	js.wait(20 * time.Second)
	if st := s.stats("acme", token); st.Fixes != int64(len(sent)) || st.Rejected != 0 {
		t.Errorf("%+v, want %d fixes and none rejected", st, len(sent))
	}
}

// received is what a reader with QoS 1 prints of messages that were published
// with these QoS in turn: never a retained flag.
func received(bodies []string, published ...int) []string {
	out := make([]string, len(bodies))
	for i, body := range bodies {
		out[i] = strconv.Itoa(min(published[i%len(published)], 1)) + " false " + body
	}
	return out
}

func beginning(lines []string, prefix string) (out []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return out
}

func ends(lines []string, want string) bool { return len(lines) > 0 && lines[len(lines)-1] == want }

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	must(t, e.Encode(v))
	return b.String()
}
