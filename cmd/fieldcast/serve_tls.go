package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"fieldcast/listen"
)

// startCertificates opens what TLS is spoken with. Without it the server
// speaks none.
func (s *server) startCertificates(context.Context) (func(context.Context) error, error) {
	c := s.config.TLS
	if !c.Enabled() {
		return nil, nil
	}
	var err error
	var source listen.Certificates
	log := s.log.With("component", "tls")
	if c.CertFile != "" {
		source, err = listen.OpenFiles(c.CertFile, c.KeyFile, log)
	} else {
		s.acme, err = listen.NewACME(listen.ACMEOptions{
			Domains: c.Domains, Email: c.Email, Directory: c.ACMEDirectory, RootFile: c.ACMERootFile,
			CacheDir: s.config.CertificatesDir(), Logger: log,
		})
		source = s.acme
	}
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	s.certificates = listen.Observed(source, s.metrics)
	return nil, nil
}

// startACME gets the certificates that are missing. It comes last, because the
// authority asks this server back.
func (s *server) startACME(context.Context) (func(context.Context) error, error) {
	if s.acme == nil {
		return nil, nil
	}
	return s.background(s.acme.Warm), nil
}

// startMQTT has nothing to stop: the broker closes its listeners itself.
func (s *server) startMQTT(context.Context) (func(context.Context) error, error) {
	balancers, err := listen.Prefixes(s.config.MQTT.ProxyProtocolFrom)
	if err != nil {
		return nil, fmt.Errorf("mqtt.proxy_protocol_from: %w", err)
	}
	if addr := s.config.MQTT.Addr; addr != "" {
		if s.mqttAddr, err = s.listenMQTT("tcp", addr, listen.Options{Proxies: balancers}); err != nil {
			return nil, fmt.Errorf("mqtt.addr: %w", err)
		}
	}
	addr := s.config.TLS.MQTTAddr
	if s.certificates == nil || addr == "" {
		return nil, nil
	}
	secured := listen.ForMQTT(s.certificates)
	if file := s.config.TLS.ClientCAFile; file != "" {
		if err := listen.RequireClients(secured, file, s.log.With("component", "tls")); err != nil {
			return nil, fmt.Errorf("tls.client_ca_file: %w", err)
		}
	}
	if s.mqttsAddr, err = s.listenMQTT("tls", addr, listen.Options{Proxies: balancers, TLS: secured}); err != nil {
		return nil, fmt.Errorf("tls.mqtt_addr: %w", err)
	}
	if s.mqttAddr != nil {
		s.log.Warn("phones may still connect without TLS; set mqtt.addr to empty when none does", "mqtt", s.mqttAddr)
	}
	return nil, nil
}

func (s *server) listenMQTT(label, addr string, o listen.Options) (net.Addr, error) {
	l, err := listen.TCP(addr, o)
	if err != nil {
		return nil, err
	}
	return l.Addr(), s.broker.Listen(label, l)
}

// secureHTTP returns what serves https, or nil without certificates.
func (s *server) secureHTTP() *tls.Config {
	if s.certificates == nil {
		return nil
	}
	return listen.ForHTTP(s.certificates)
}

// plainHTTP is what is left at http.addr when the server speaks TLS: health,
// the certificate authority's question, and the way to https.
func (s *server) plainHTTP(app http.Handler, secured net.Addr) http.Handler {
	port := ""
	if tcp, ok := secured.(*net.TCPAddr); ok && tcp.Port != 443 {
		port = ":" + strconv.Itoa(tcp.Port)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", app)
	mux.Handle("GET /readyz", app)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
			host = "[" + host + "]"
		}
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "https://"+host+port+r.URL.RequestURI(), http.StatusPermanentRedirect)
	})
	if s.acme != nil {
		return s.acme.HTTPHandler(mux)
	}
	return mux
}
