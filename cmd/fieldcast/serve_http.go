package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fieldcast/dashboard"
)

// startHTTP mounts the dashboard, and the broker at /mqtt.
func (s *server) startHTTP(context.Context) (func(context.Context) error, error) {
	h, err := dashboard.New(dashboard.Options{
		Store:          s.installation.Store,
		People:         s.bridge,
		Identities:     s.installation.Identity,
		MQTT:           s.broker,
		Ready:          s.checks(),
		BehindTLS:      s.config.HTTP.BehindTLS,
		MapStyle:       s.config.Map.Style,
		MapAttribution: s.config.Map.Attribution,
		Version:        buildVersion(),
		Logger:         s.log.With("component", "dashboard"),
		Registerer:     s.metrics,
	})
	if err != nil {
		return nil, err
	}
	addr, stop, err := s.listenHTTP(s.config.HTTP.Addr, h)
	if err != nil {
		return nil, fmt.Errorf("http.addr: %w", err)
	}
	s.httpAddr = addr
	return stop, nil
}

// startMetrics serves Prometheus and pprof on an address of their own, because
// they are nobody's business but the operator's.
func (s *server) startMetrics(context.Context) (func(context.Context) error, error) {
	if s.config.Metrics.Addr == "" {
		return nil, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	_, stop, err := s.listenHTTP(s.config.Metrics.Addr, mux)
	if err != nil {
		return nil, fmt.Errorf("metrics.addr: %w", err)
	}
	return stop, nil
}

// listenHTTP binds at once, so that a taken port is an error of the start.
func (s *server) listenHTTP(addr string, h http.Handler) (net.Addr, func(context.Context) error, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("http server: %w", err))
		}
	}()
	stop := func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		err := srv.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close() // a client that does not finish is cut off
		}
		<-ended
		return err
	}
	return l.Addr(), stop, nil
}
