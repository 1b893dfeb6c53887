package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/payload"
)

const (
	// window is how many messages may wait for their acknowledgement.
	window = 8
	// maxBatch is how many fixes go into a batch: a few kilobytes.
	maxBatch = 250
	// backlog is from how many waiting fixes on a phone of [FormatMixed] sends
	// a batch.
	backlog = 5
)

// delivery sends a phone's queue over one connection, with a few messages in
// flight. Fixes leave the queue when their message is acknowledged, in order.
type delivery struct {
	*phone
	link     *link
	deadline *time.Timer // for the oldest flight
	flights  []flight
	starting *flight // handed to the link, which has not taken it yet
	next     int64   // number of the fix that is sent next
	acked    bool    // something was acknowledged
}

// flight is a message that waits for its acknowledgement.
type flight struct {
	token mqtt.Token
	fixes int
	next  int64 // number of the fix after those of the message
}

// run returns nil when the queue is empty and closed, else why it ended.
func (d *delivery) run(ctx context.Context) error {
	for {
		if err := d.fill(); err != nil {
			return err
		}
		var oldest <-chan struct{}
		var overdue <-chan time.Time
		if len(d.flights) > 0 {
			oldest, overdue = d.flights[0].token.Done(), d.deadline.C
		} else if d.starting == nil && d.queue.done() {
			return nil
		}
		select {
		case token := <-d.link.handed:
			d.start(token)
		case <-oldest:
			if err := d.land(); err != nil {
				return err
			}
		case <-overdue:
			return errors.New("the broker does not acknowledge")
		case err := <-d.link.lost:
			return fmt.Errorf("connection lost: %w", err)
		case <-d.queue.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fill hands the next message to the link, if there is one, the link is free
// and the window is not full.
func (d *delivery) fill() error {
	if d.starting != nil || len(d.flights) == window {
		return nil
	}
	body, n, next, err := d.message()
	if err != nil || n == 0 {
		return err
	}
	d.starting = &flight{fixes: n, next: next}
	d.link.publish(d.topic(), body)
	d.next = next
	return nil
}

// start takes note that a message is in flight.
func (d *delivery) start(token mqtt.Token) {
	if len(d.flights) == 0 {
		d.deadline.Reset(ackTimeout)
	}
	d.starting.token = token
	d.flights = append(d.flights, *d.starting)
	d.starting = nil
}

// land takes note of the acknowledgement of the oldest message.
func (d *delivery) land() error {
	oldest := d.flights[0]
	if err := oldest.token.Error(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	d.queue.acked(oldest.next)
	d.stats.ack(oldest.fixes)
	d.flights = d.flights[1:]
	d.deadline.Reset(ackTimeout)
	d.acked = true
	return nil
}

// message writes the next fixes of the queue: n of them, 0 if there are none.
func (d *delivery) message() (body []byte, n int, next int64, err error) {
	most := 1
	if d.o.Format == FormatBatch || (d.o.Format == FormatMixed && d.queue.waiting(d.next) >= backlog) {
		most = maxBatch
	}
	fixes, next, first := d.queue.take(d.next, most)
	switch {
	case len(fixes) == 0:
		return nil, 0, next, nil
	case most == 1:
		body = payload.EncodeOwnTracks(fixes[0])
	default:
		if body, err = payload.EncodeBatch(fixes); err != nil {
			return nil, 0, next, err
		}
	}
	d.stats.send(first, len(fixes)-first)
	return body, len(fixes), next, nil
}
