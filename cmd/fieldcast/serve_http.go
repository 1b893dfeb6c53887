package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"fieldcast/dashboard"
	"fieldcast/listen"
)

// startHTTP mounts the dashboard, and the broker at /mqtt: at https if there
// are certificates.
func (s *server) startHTTP(context.Context) (func(context.Context) error, error) {
	stopping, endStreams := context.WithCancel(context.Background())
	h, err := dashboard.New(dashboard.Options{
		Store:          s.installation.Store,
		People:         s.bridge,
		Changes:        s.hub,
		Identities:     s.installation.Identity,
		MQTT:           s.broker,
		Ready:          s.checks(),
		BehindTLS:      s.config.HTTP.BehindTLS || s.certificates != nil,
		MapStyle:       s.config.Map.Style,
		MapAttribution: s.config.Map.Attribution,
		MapHosts:       s.config.Map.Hosts,
		Version:        buildVersion(),
		Logger:         s.log.With("component", "dashboard"),
		Registerer:     s.metrics,
		Stopping:       stopping.Done(),
	})
	if err != nil {
		endStreams()
		return nil, err
	}
	stop, err := s.openHTTP(h)
	if err != nil {
		endStreams()
		return nil, err
	}
	return func(ctx context.Context) error {
		endStreams() // else the listeners would wait for them
		return stop(ctx)
	}, nil
}

// openHTTP opens the doors of the web side and returns what shuts them.
func (s *server) openHTTP(h http.Handler) (func(context.Context) error, error) {
	proxies, err := listen.Prefixes(s.config.HTTP.ForwardedFrom)
	if err != nil {
		return nil, fmt.Errorf("http.forwarded_from: %w", err)
	}
	h = listen.Forwarded(h, proxies)
	var stopSecure func(context.Context) error
	plain := h
	if secured := s.secureHTTP(); secured != nil {
		if s.httpsAddr, stopSecure, err = s.listenHTTP(s.config.TLS.HTTPAddr, h, secured); err != nil {
			return nil, fmt.Errorf("tls.http_addr: %w", err)
		}
		plain = s.plainHTTP(h, s.httpsAddr)
	}
	addr, stop, err := s.listenHTTP(s.config.HTTP.Addr, plain, nil)
	if err != nil {
		err = fmt.Errorf("http.addr: %w", err)
		if stopSecure != nil {
			err = errors.Join(err, stopSecure(context.Background()))
		}
		return nil, err
	}
	s.httpAddr = addr
	if stopSecure == nil {
		return stop, nil
	}
	return func(ctx context.Context) error { return errors.Join(stopSecure(ctx), stop(ctx)) }, nil
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
	_, stop, err := s.listenHTTP(s.config.Metrics.Addr, mux, nil)
	if err != nil {
		return nil, fmt.Errorf("metrics.addr: %w", err)
	}
	return stop, nil
}

// listenHTTP binds at once, so that a taken port is an error of the start. It
// speaks TLS if secured is not nil.
func (s *server) listenHTTP(addr string, h http.Handler, secured *tls.Config) (net.Addr, func(context.Context) error, error) {
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
		TLSConfig:         secured,
		ErrorLog:          slog.NewLogLogger(s.log.With("component", "http").Handler(), slog.LevelDebug), // strangers' broken handshakes
	}
	serve := srv.Serve
	if secured != nil {
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
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
