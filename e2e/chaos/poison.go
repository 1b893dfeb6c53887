//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fieldcast/e2e/binary"
	"fieldcast/payload"
	"fieldcast/track"
)

// poisonLat is where PostgreSQL has been told to refuse a fix.
const poisonLat = 66.6

// poisons are ways of refusing a row: a rule, and a trigger.
var poisons = [][]string{
	{"ALTER TABLE fix ADD CONSTRAINT poison CHECK (lat_e7 <> 666000000)"},
	{
		"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.lat_e7 = 666000000 THEN RAISE 'poison'; END IF; RETURN NEW; END $$",
		"CREATE TRIGGER poison BEFORE INSERT ON fix FOR EACH ROW EXECUTE FUNCTION refuse()",
	},
}

func playPoison(ctx context.Context, w *world) error {
	rule := poisons[w.random.IntN(len(poisons))]
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 200), binary.Execute(ctx, w.server.Database, rule...)); err != nil {
		return err
	}
	n := 3 + w.random.IntN(5)
	for _, c := range companies {
		if err := w.sendPoison(ctx, c, n); err != nil {
			return err
		}
	}
	w.rejected += int64(n)
	w.kill()
	if err := w.start(ctx); err != nil {
		return err
	}
	for _, c := range companies {
		if err := w.awaitRefused(ctx, c, n); err != nil {
			return err
		}
	}
	return nil
}

// sendPoison publishes n fixes that will be refused, by a person who has no
// others and is not a part of the crowd.
func (w *world) sendPoison(ctx context.Context, company string, n int) error {
	phones, err := w.server.Enrol(company, "poison", 1)
	if err != nil {
		return err
	}
	p := phones[0]
	w.outsiders[p.Employee] = true
	o := mqtt.NewClientOptions().AddBroker("tcp://" + w.server.MQTT).SetClientID(p.ClientID).SetUsername(p.Username).SetPassword(p.Password)
	client := mqtt.NewClient(o)
	if t := client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return fmt.Errorf("connect %s: %w", p.Username, t.Error())
	}
	defer client.Disconnect(50)
	for i := range n {
		fix := track.Fix{Lat: poisonLat, Lon: 7, RecordedAt: time.Now().Add(-time.Duration(i) * time.Second)}
		t := client.Publish("fc/"+company+"/"+p.Employee, 1, false, payload.EncodeOwnTracks(fix))
		if !t.WaitTimeout(10*time.Second) || t.Error() != nil {
			return fmt.Errorf("a fix that the database will refuse was not acknowledged: %w", t.Error())
		}
		w.pass(ctx, 50*time.Millisecond)
	}
	return nil
}

// awaitRefused waits until n refused rows are kept with their reason.
func (w *world) awaitRefused(ctx context.Context, company string, n int) error {
	kept := 0
	err := binary.Await(ctx, 30*time.Second, fmt.Sprintf("%d rows of %s are kept as rejected", n, company), func() bool {
		var answer struct {
			Rejected []struct{ Reason, Detail string }
		}
		if w.server.Get("/api/v1/companies/"+company+"/rejected", w.tokens[company], &answer) != nil {
			return false
		}
		kept = 0
		for _, r := range answer.Rejected {
			if r.Reason == string(track.ReasonStore) && r.Detail != "" {
				kept++
			}
		}
		return kept == n
	})
	if err != nil {
		return fmt.Errorf("%w: %d are", err, kept)
	}
	return nil
}
