package broker_test

import (
	"slices"
	"testing"
	"time"

	"fieldcast/broker/brokertest"
	"fieldcast/track"
)

// Whoever subscribes gets what the filter matches, also where mochi's tree says
// otherwise, and nothing else.
func TestFiltersMatch(t *testing.T) {
	b := brokertest.Start(t)
	phone := b.Phone("acme", "e1")
	topics := []string{"fc/acme/e1", "fc/acme/e1/status", "fc/acme/e1/event"}
	for _, filter := range []string{
		"fc/acme/e1", "fc/acme/e1/#", "fc/acme/+/#", "fc/acme/e1/+/#", "fc/acme/+/+/#", "fc/acme/+/+/+/#", "fc/+/+/#", "fc/+/#",
		"+/+/#", "+/+/+/#", "+/#", "#", "fc/acme/+", "fc/acme/+/+", "fc/acme/e1/status/#", "fc/acme/e2/#", "fc/acme/e1/+",
	} {
		for _, prefix := range []string{"", "$share/g/"} {
			manager := b.As("manager", "acme")
			if code := manager.Subscribe(prefix+filter, 1); code != 1 {
				t.Errorf("%s: the answer is 0x%02x", prefix+filter, code)
			}
			var got, want []string
			for i, topic := range topics {
				phone.Acked(topic, "{}", uint16(i+1))
				if !track.Match(filter, topic) {
					continue
				}
				want = append(want, topic)
				if m, err := manager.Receive(5 * time.Second); err == nil {
					got = append(got, m.Topic)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", prefix+filter, got, want)
			}
			if err := manager.Ping(); err != nil {
				t.Errorf("%s: %v", prefix+filter, err)
			}
			_ = manager.Conn.Close()
		}
	}
}
