package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"fieldcast/bridge"
	"fieldcast/broker"
	"fieldcast/config"
	"fieldcast/dashboard"
	"fieldcast/feed"
	"fieldcast/listen"
	"fieldcast/payload"
	"fieldcast/track"
)

func newServeCommand(env *environment) *cobra.Command {
	var demo bool
	var role string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: MQTT for phones, map for managers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if role != "all" {
				return fmt.Errorf("--role %s: this version runs all roles in one process; leave --role out", role)
			}
			c, err := env.load(cmd)
			if err != nil {
				return err
			}
			s := newServer(c, env.logger(c))
			if demo {
				return s.serveDemo(cmd.Context(), env.stdout)
			}
			return s.serve(cmd.Context(), nil)
		},
	}
	d := config.Default()
	cmd.Flags().String("http", d.HTTP.Addr, "address of the web app, REST and MQTT over WebSocket")
	cmd.Flags().String("mqtt", d.MQTT.Addr, "address of MQTT for phones")
	cmd.Flags().String("metrics", d.Metrics.Addr, "address of Prometheus metrics and pprof; empty: off")
	cmd.Flags().BoolVar(&demo, "demo", false, "make a demo company whose simulated people move")
	cmd.Flags().StringVar(&role, "role", "all", "which parts to run: all")
	return cmd
}

// How long things may take on the way down. Together they stay below the 30 s
// after which container runtimes kill.
const (
	stopTimeout  = 5 * time.Second  // a part's own clean-up
	drainTimeout = 12 * time.Second // the bridge writes what the journal still holds
)

// A database that is away is waited for: those of a machine that has just
// booted start together. Its file or server is asked this often.
const (
	databasePatience = 30 * time.Second
	databaseAskEvery = 500 * time.Millisecond
)

// server holds the parts while they run.
type server struct {
	config  config.Config
	log     *slog.Logger
	metrics *prometheus.Registry

	installation *opened
	journal      durableLog
	hub          *feed.Hub
	bridge       *bridge.Bridge
	broker       *broker.Server
	certificates listen.Certificates // nil without TLS
	acme         *listen.ACME        // nil without domains
	mqttAddr     net.Addr            // nil if there is none, as the others
	mqttsAddr    net.Addr
	httpAddr     net.Addr
	httpsAddr    net.Addr
	failed       chan error // a part that ended by itself
}

func newServer(c config.Config, log *slog.Logger) *server {
	m := prometheus.NewRegistry()
	m.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &server{config: c, log: log, metrics: m, failed: make(chan error, 1)}
}

// part is one line of the list in [server.parts].
type part struct {
	name  string
	start func(context.Context) (stop func(context.Context) error, err error)
}

// parts is the order of starting; stopping is the reverse. Data flows from the
// end of the list to its head: whoever receives must be there before whoever
// sends, and must stay until the sender has gone.
func (s *server) parts() []part {
	return []part{
		{"metrics", s.startMetrics},           // first, to watch the others start
		{"installation", s.startInstallation}, // keys and database: without them nothing can be proved or kept
		{"journal", s.startJournal},           // the broker may acknowledge only what it has taken
		{"feed", s.startFeed},                 // before the bridge, which publishes to it
		{"bridge", s.startBridge},             // warm last-known positions before anybody can ask; stops after the broker, and drains
		{"broker", s.startBroker},             // the door, still shut; its stop lets nothing new in and finishes what is under way
		{"certificates", s.startCertificates}, // before the doors that need them
		{"revocations", s.startRevocations},   // known before the first phone logs in
		{"issuers", s.startIssuers},           // the keys of others, in the background
		{"mqtt", s.startMQTT},                 // opens the door
		{"http", s.startHTTP},                 // readiness, and the broker's other door
		{"acme", s.startACME},                 // last: the certificate authority comes to the doors
	}
}

// serve starts the parts, runs until ctx ends or one of them fails, and stops
// them in reverse. It calls ready, if not nil, once everything is up; when
// ready returns an error, the server stops with it.
func (s *server) serve(ctx context.Context, ready func(context.Context) error) (err error) {
	var stops []func()
	defer func() {
		for i := len(stops) - 1; i >= 0; i-- {
			stops[i]()
		}
	}()
	for _, p := range s.parts() {
		stop, startErr := p.start(ctx)
		if startErr != nil {
			return startErr
		}
		if stop != nil {
			stops = append(stops, func() { err = errors.Join(err, s.stop(p.name, stop)) })
		}
	}
	s.log.Info("serving", s.doors()...)
	if ready != nil {
		go func() {
			if err := ready(ctx); err != nil && ctx.Err() == nil {
				s.fail(err)
			}
		}()
	}
	select {
	case <-ctx.Done():
		s.log.Info("stopping: phones keep what is not acknowledged yet")
		return nil
	case err := <-s.failed:
		return err
	}
}

// doors lists the addresses that are listened on, for the log.
func (s *server) doors() []any {
	var list []any
	for _, d := range []struct {
		name string
		addr net.Addr
	}{{"http", s.httpAddr}, {"mqtt", s.mqttAddr}, {"https", s.httpsAddr}, {"mqtts", s.mqttsAddr}} {
		if d.addr != nil {
			list = append(list, d.name, d.addr.String())
		}
	}
	return append(list, "version", buildVersion())
}

// stop ends one part within its time, and says so when it does not.
func (s *server) stop(name string, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout+drainTimeout)
	defer cancel()
	begun := time.Now()
	err := stop(ctx)
	if took := time.Since(begun); took > stopTimeout {
		s.log.Warn("a part took long to stop", "part", name, "took", took)
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	return nil
}

// fail ends the server because a part ended by itself. Only the first counts.
func (s *server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

func (s *server) startInstallation(ctx context.Context) (func(context.Context) error, error) {
	opened, err := s.openPatiently(ctx)
	if err != nil {
		return nil, err
	}
	s.installation = opened
	return func(context.Context) error { return opened.Close() }, nil
}

// openPatiently opens the installation, and waits for a database that is away.
func (s *server) openPatiently(ctx context.Context) (*opened, error) {
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		o, err := openInstallation(ctx, s.config, s.log, s.metrics)
		if !errors.Is(err, track.ErrUnavailable) || time.Since(begun) > databasePatience {
			return o, err
		}
		if attempt == 1 {
			s.log.Warn("the database is away; waiting for it", "at_most", databasePatience, "error", err)
		}
		select {
		case <-time.After(databaseAskEvery):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// watch ends the server when a part has failed, until unwatch is called.
func (s *server) watch(failed <-chan struct{}, why func() error) (unwatch func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-failed:
			s.fail(why())
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (s *server) startFeed(context.Context) (func(context.Context) error, error) {
	s.hub = feed.NewHub(feed.Options{Logger: s.log.With("component", "feed"), Registerer: s.metrics})
	return s.background(s.hub.Run), nil
}

func (s *server) startBridge(ctx context.Context) (func(context.Context) error, error) {
	j := s.config.Judge
	b, err := bridge.New(bridge.Options{
		Journal: s.journal,
		Store:   s.installation.Store,
		Feed:    s.hub,
		Limits: track.Limits{
			Future: j.Future, Stale: j.Stale, InaccurateM: j.InaccurateM,
			Patience: j.Patience, JumpMPS: j.JumpMPS,
		},
		Decode:     payload.Limited(s.config.MQTT.MaxBatch),
		Logger:     s.log.With("component", "bridge"),
		Registerer: s.metrics,
	})
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx); err != nil {
		return nil, err
	}
	s.bridge = b
	unwatch := s.watch(b.Failed(), b.Status)
	return func(ctx context.Context) error {
		unwatch()
		ctx, cancel := context.WithTimeout(ctx, drainTimeout)
		defer cancel()
		return b.Close(ctx)
	}, nil
}

func (s *server) startRevocations(ctx context.Context) (func(context.Context) error, error) {
	s.installation.Identity.OnRevoke(s.broker.Disconnect)
	if err := s.installation.Identity.Start(ctx); err != nil {
		return nil, err
	}
	return s.background(s.installation.Identity.Run), nil
}

// startIssuers reads the keys of other sign-on servers, and waits for none.
func (s *server) startIssuers(context.Context) (func(context.Context) error, error) {
	return s.background(s.installation.Identity.RunIssuers), nil
}

func (s *server) startBroker(ctx context.Context) (func(context.Context) error, error) {
	limits := broker.DefaultLimits()
	limits.Connections = s.config.MQTT.MaxConnections
	limits.ConnectionsPerAddress = s.config.MQTT.MaxConnectionsPerAddress
	limits.ConnectionsPerCompany = s.config.MQTT.MaxConnectionsPerCompany
	limits.AcceptsPerSecond = s.config.MQTT.MaxConnectsPerSecond
	limits.AcceptsPerAddress = s.config.MQTT.MaxConnectsPerAddress
	limits.PublishesPerSecond = s.config.MQTT.MaxPublishesPerSecond
	limits.PublishBurst = s.config.MQTT.MaxPublishBurst
	limits.Subscriptions = s.config.MQTT.MaxSubscriptions
	limits.PayloadBytes = int(s.config.MQTT.MaxPayload)
	limits.ConnectTimeout = s.config.MQTT.ConnectTimeout
	decode := payload.Limited(s.config.MQTT.MaxBatch)
	b, err := broker.New(broker.Options{
		Identities: s.installation.Identity,
		Journal:    s.journal,
		People:     s.bridge,
		Changes:    s.hub,
		Inspect:    func(leaf string, body []byte) error { return decode(leaf, body).Err() },
		Limits:     limits,
		Origins:    s.config.HTTP.Origins,
		Logger:     s.log.With("component", "broker"),
		Registerer: s.metrics,
	})
	if err != nil {
		return nil, err
	}
	if err := b.Start(ctx); err != nil {
		return nil, err
	}
	s.broker = b
	return b.Close, nil
}

// checks are what readiness joins.
func (s *server) checks() []dashboard.Check {
	return []dashboard.Check{
		{Name: "journal", Status: s.journal.Status},
		{Name: "bridge", Status: s.bridge.Status},
		{Name: "broker", Status: s.broker.Status},
	}
}

// background runs a part that blocks until its context ends, and returns what
// stops it and waits for it.
func (s *server) background(run func(context.Context) error) func(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := run(ctx)
		if err != nil && ctx.Err() == nil {
			s.fail(err)
		}
		ended <- err
	}()
	return func(context.Context) error {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}
