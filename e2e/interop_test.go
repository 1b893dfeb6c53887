package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestInteropProxy: through the proxy that scripts/interop puts before the
// server, a client without a password gets what it publishes itself, over TCP
// and WebSocket, though the server lets nobody do so.
func TestInteropProxy(t *testing.T) {
	s := startServer(t, "")
	dir := t.TempDir()
	proxy := filepath.Join(dir, "interop")
	if out, err := exec.Command("go", "build", "-o", proxy, "fieldcast/e2e/interop").CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	credentials := s.enrol("acme", 2)
	reader := s.token("acme", "integrator", "--topic", "fc/acme/e1", "--topic", "fc/acme/e2", "--topic", "fc/acme/+/status")
	for name, how := range map[string][]string{
		"TCP":       {"-mqtt", s.MQTT, credentials},
		"WebSocket": {"-websocket", "ws://" + s.HTTP + "/mqtt", credentials},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(proxy, how...)
			cmd.Env = append(os.Environ(), "READER="+reader)
			p := launch(t, cmd)
			p.says("127.0.0.1:")
			heard := make(chan string, 10)
			o := mqtt.NewClientOptions().AddBroker("tcp://" + p.with("")[0]).SetClientID("x-" + name).SetAutoReconnect(false)
			c := mqtt.NewClient(o)
			if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
				t.Fatal(token.Error())
			}
			defer c.Disconnect(50)
			if token := c.Subscribe("fc/acme/+/#", 1, func(_ mqtt.Client, m mqtt.Message) {
				heard <- m.Topic() + " " + string(m.Payload())
			}); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
				t.Fatal(token.Error())
			}
			for i, topic := range []string{"fc/acme/e1", "fc/acme/e2", "fc/acme/e1/status", "fc/acme/e9", "fc/acme/e2/status"} {
				token := c.Publish(topic, byte(i%3), false, "not JSON "+topic)
				if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
					t.Errorf("%s: %v", topic, token.Error())
				}
				if topic == "fc/acme/e9" {
					continue // nobody's: acknowledged, and not delivered
				}
				select {
				case got := <-heard:
					if got != topic+" not JSON "+topic {
						t.Errorf("got %q for what was published on %s", got, topic)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("%s is not delivered", topic)
				}
			}
		})
	}
}
