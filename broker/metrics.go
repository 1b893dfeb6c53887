package broker

import "github.com/prometheus/client_golang/prometheus"

// metrics count what comes in, and everything that is refused or dropped, with
// its reason.
type metrics struct {
	received     prometheus.Counter
	acked        prometheus.Counter
	connections  *prometheus.GaugeVec   // role
	refused      *prometheus.CounterVec // reason; connections that never logged in
	authFailures *prometheus.CounterVec // reason
	closed       *prometheus.CounterVec // reason; connections that had logged in
	slow         prometheus.Counter
	dropped      *prometheus.CounterVec // reason; messages
	panics       prometheus.Counter

	acceptDelayed, publishDelayed prometheus.Counter // seconds
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_publishes_received_total", Help: "Publishes of phones that arrived."}),
		acked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_publishes_acked_total", Help: "Publishes of phones that are in the journal and were acknowledged."}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "fieldcast_mqtt_connections", Help: "Clients that are connected and logged in."}, []string{"role"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_refused_total", Help: "Connections that were closed before they logged in."}, []string{"reason"}),
		authFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_auth_failures_total", Help: "MQTT logins that were refused."}, []string{"reason"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_closed_total", Help: "Connections that ended after they had logged in."}, []string{"reason"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_slow_consumer_closed_total", Help: "Connections that were closed because their reader did not keep up."}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_dropped_total", Help: "Messages and subscriptions that were not carried out."}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_panics_total", Help: "Connections that were closed because handling them panicked."}),
		acceptDelayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_accept_delayed_seconds_total", Help: "Time for which connections were let wait because too many came at once."}),
		publishDelayed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fieldcast_mqtt_publish_delayed_seconds_total", Help: "Time for which phones were held up because they published too fast."}),
	}
	if r != nil {
		r.MustRegister(m.received, m.acked, m.connections, m.refused, m.authFailures, m.closed, m.slow, m.dropped, m.panics, m.acceptDelayed, m.publishDelayed)
	}
	return m
}
