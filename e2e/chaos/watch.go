//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/track"
)

// watcher follows everything that a manager of a company may see, over all
// restarts: nothing of other companies, and nobody's last-known position goes
// back.
type watcher struct {
	client  mqtt.Client
	company string
	strict  bool // last-known is what was recorded last

	mu     sync.Mutex
	seen   int
	last   map[string]time.Time
	wrongs []error
}

func newWatcher(addr, company, token string, strict bool) *watcher {
	w := &watcher{company: company, strict: strict, last: map[string]time.Time{}}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("watcher-" + company).
		SetUsername("watcher").SetPassword(token).SetConnectRetry(true).
		SetConnectRetryInterval(200 * time.Millisecond).SetMaxReconnectInterval(200 * time.Millisecond).
		SetOnConnectHandler(func(c mqtt.Client) {
			c.SubscribeMultiple(map[string]byte{"fc/+/+/last": 1, "fc/+/_live": 0, "fc/+/_events": 1}, w.hear)
		})
	w.client = mqtt.NewClient(o)
	w.client.Connect()
	return w
}

// hear takes a message.
func (w *watcher) hear(_ mqtt.Client, m mqtt.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen++
	if !strings.HasPrefix(m.Topic(), "fc/"+w.company+"/") {
		w.wrong("tenancy: a manager of %s received %s", w.company, m.Topic())
		return
	}
	if !strings.HasSuffix(m.Topic(), "/last") {
		return
	}
	var p track.Position
	if err := json.Unmarshal(m.Payload(), &p); err != nil {
		w.wrong("%s: %w", m.Topic(), err)
		return
	}
	if p.Company != w.company {
		w.wrong("tenancy: %s holds a position of %s", m.Topic(), p.Company)
	}
	if before := w.last[p.Employee]; w.strict && p.RecordedAt.Before(before) {
		w.wrong("last-known: %s/%s went back from %v to %v", w.company, p.Employee, before, p.RecordedAt)
	}
	w.last[p.Employee] = p.RecordedAt
}

// wrong keeps the first few. w.mu is held.
func (w *watcher) wrong(format string, args ...any) {
	if len(w.wrongs) < fewExamples {
		w.wrongs = append(w.wrongs, fmt.Errorf(format, args...))
	}
}

// err returns what was wrong so far.
func (w *watcher) err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.wrongs...)
}

// end disconnects. A watcher that has heard nothing has proved nothing, which
// is an error.
func (w *watcher) end() error {
	w.client.Disconnect(50)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == 0 {
		return fmt.Errorf("the watcher of %s has heard nothing: it proves nothing", w.company)
	}
	return nil
}
