package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"fieldcast/track"
)

// demoEmail is who logs in to the demo.
const demoEmail = "demo@fieldcast.example"

// serveDemo serves, with a company whose people are simulated phones that
// reach the broker by MQTT like any other, and prints how to log in.
func (s *server) serveDemo(ctx context.Context, out io.Writer) error {
	if s.config.MQTT.Addr == "" {
		return errors.New("the demo's phones need mqtt.addr")
	}
	sim := simulation{company: "demo", count: 25, prefix: "e", interval: 5 * time.Second, speedup: 1, seed: 1, history: 30 * time.Minute,
		teams: []string{"Service North", "Service South", "Deliveries"}}
	return s.serve(ctx, func(ctx context.Context) error {
		password, err := s.demoUser(ctx, sim.company)
		if err != nil {
			return err
		}
		phones, err := sim.enrol(ctx, s.installation.Store, s.installation.Identity)
		if err != nil {
			return err
		}
		sim.broker = "tcp://" + reachable(s.mqttAddr)
		fmt.Fprintf(out, "\n  Open      http://%s/\n  E-mail    %s\n  Password  %s\n\n  %d simulated people are on their way. Stop with Ctrl-C.\n\n",
			reachable(s.httpAddr), demoEmail, password, len(phones))
		_, err = sim.run(ctx, phones, s.log)
		return err
	})
}

// demoUser makes the demo's manager. The data folder of a demo may be used
// again: then the password file of the first time still tells the password.
func (s *server) demoUser(ctx context.Context, company string) (string, error) {
	err := s.installation.Store.AddCompany(ctx, track.Company{ID: company, Name: "Demo company"})
	if err != nil && !errors.Is(err, track.ErrExists) {
		return "", err
	}
	file := s.config.KeysDir() + "/demo-password"
	password, err := loadOrMake(file, rand.Text()[:16])
	if err != nil {
		return "", err
	}
	user := track.User{Email: demoEmail, Company: company, Role: track.RoleManager, Name: "Demo manager"}
	if err := s.installation.Identity.AddUser(ctx, user, password); err != nil && !errors.Is(err, track.ErrExists) {
		return "", err
	}
	return password, nil
}

// reachable turns an address that listens everywhere into one to connect to.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return tcp.String()
}
