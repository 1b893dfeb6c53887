// Package config holds the settings of a server: [Default] is the full set,
// [Load] lays a file, the environment and flags over it, in this order, and
// [Config.Validate] finds what cannot work. Viper stays inside this package.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Config is every setting. The key tags are the names in the file; the name in
// the environment is FIELDCAST_ and the path with underscores, in capitals:
// journal.max_bytes is FIELDCAST_JOURNAL_MAX_BYTES.
type Config struct {
	Data     string   `key:"data" doc:"Folder for the database, the journal and the keys."`
	Database string   `key:"database" secret:"url" doc:"PostgreSQL, as postgres://user:password@host:5432/name. Empty: SQLite in the data folder."`
	HTTP     HTTP     `key:"http" doc:"Web app, REST and MQTT over WebSocket."`
	MQTT     MQTT     `key:"mqtt" doc:"MQTT for phones and programs."`
	TLS      TLS      `key:"tls" doc:"TLS for phones and browsers: with a certificate in files, or one that is got by ACME for domains."`
	Identity Identity `key:"identity" doc:"Who else than this server may say who somebody is."`
	Metrics  Metrics  `key:"metrics" doc:"Prometheus metrics and pprof. Keep this address private."`
	Journal  Journal  `key:"journal" doc:"The durable log between phones and database."`
	Judge    Judge    `key:"judge" doc:"When a fix is marked as doubtful. Raw values are always kept."`
	Map      Map      `key:"map" doc:"The manager's map."`
	Log      Log      `key:"log" doc:"Messages on standard error."`
}

// HTTP configures the web side.
type HTTP struct {
	Addr    string   `key:"addr" doc:"Address to listen on."`
	Origins []string `key:"origins" doc:"Browser origins, besides the server's own, that may open /mqtt."`
	// BehindTLS is not guessed from headers, which anybody can send.
	BehindTLS     bool     `key:"behind_tls" doc:"A proxy in front speaks TLS: cookies are sent over TLS only."`
	ForwardedFrom []string `key:"forwarded_from" doc:"Addresses or networks of proxies in front, whose X-Forwarded-For is believed."`

	MaxFailedLogins           int `key:"max_failed_logins" doc:"Logins of one account that may fail in a row; then one in 30 s."`
	MaxFailedLoginsPerAddress int `key:"max_failed_logins_per_address" doc:"The same for one address, behind which many may sit; then one in 5 s."`
}

// MQTT configures the broker.
type MQTT struct {
	Addr                     string        `key:"addr" doc:"Address to listen on, without TLS. Empty: WebSocket only."`
	PublicHost               string        `key:"public_host" doc:"Host name that phones reach; written into enrolment links. Empty: the first of tls.domains, or this machine's address."`
	PublicPort               int           `key:"public_port" doc:"Port that phones reach. 0: this server's own."`
	PublicTLS                bool          `key:"public_tls" doc:"A proxy in front speaks TLS with phones."`
	ProxyProtocolFrom        []string      `key:"proxy_protocol_from" doc:"Addresses or networks of load balancers in front: their connections must begin with a PROXY protocol header."`
	MaxConnections           int           `key:"max_connections" doc:"Most connections at once."`
	MaxConnectionsPerAddress int           `key:"max_connections_per_address" doc:"Most connections from one address. 0: no limit."`
	MaxConnectionsPerCompany int           `key:"max_connections_per_company" doc:"Most connections of one company. 0: no limit."`
	MaxConnectsPerSecond     int           `key:"max_connects_per_second" doc:"Connections let in a second; others wait, and nobody is turned away."`
	MaxConnectsPerAddress    int           `key:"max_connects_per_address" doc:"Connections a second from one address; more are closed. 0: no limit, as it must be behind a proxy that hides addresses."`
	MaxPublishesPerSecond    int           `key:"max_publishes_per_second" doc:"Messages of one phone a second. What comes faster is held up, and after five minutes of it disconnected; nothing is lost."`
	MaxPublishBurst          int           `key:"max_publish_burst" doc:"Messages of one phone that may come at once."`
	MaxSubscriptions         int           `key:"max_subscriptions" doc:"Filters of one client."`
	MaxPayload               Bytes         `key:"max_payload" doc:"Largest message that is read; what is larger is kept as rejected."`
	MaxBatch                 int           `key:"max_batch" doc:"Most fixes in one message; those after them are kept as rejected."`
	ConnectTimeout           time.Duration `key:"connect_timeout" doc:"A connection must log in within this time."`
}

// TLS configures certificates, and the addresses that use them.
type TLS struct {
	CertFile      string   `key:"cert_file" doc:"Certificate chain (PEM). It is read again when it changes."`
	KeyFile       string   `key:"key_file" doc:"Its private key (PEM)."`
	Domains       []string `key:"domains" doc:"Instead of files: names for which a certificate is got and renewed by ACME. They must lead to this server's ports 443 and 80."`
	Email         string   `key:"email" doc:"Whom the certificate authority may write to."`
	ACMEDirectory string   `key:"acme_directory" doc:"URL of the certificate authority. Empty: Let's Encrypt, whose terms you accept by naming domains."`
	ACMERootFile  string   `key:"acme_root_file" doc:"Certificate (PEM) of an authority of your own."`
	HTTPAddr      string   `key:"http_addr" doc:"Address of https and wss. http.addr then sends browsers there."`
	MQTTAddr      string   `key:"mqtt_addr" doc:"Address of MQTT with TLS. Empty: none."`
	ClientCAFile  string   `key:"client_ca_file" doc:"Authorities (PEM): phones must show a certificate of theirs, beside their password, on tls.mqtt_addr."`
}

// Enabled reports whether the server speaks TLS itself.
func (t TLS) Enabled() bool { return t.CertFile != "" || len(t.Domains) > 0 }

// Metrics configures the address for Prometheus.
type Metrics struct {
	Addr string `key:"addr" doc:"Address to listen on. Empty: off."`
}

// Judge configures the marks on fixes.
type Judge struct {
	Future      time.Duration `key:"future" doc:"A phone's clock may be ahead by this much."`
	Stale       time.Duration `key:"stale" doc:"A fix may be under way for this long."`
	InaccurateM float64       `key:"inaccurate_m" doc:"Accuracy in metres that is too coarse to act on."`
	Patience    time.Duration `key:"patience" doc:"How much newer an inaccurate fix must be to replace an accurate one."`
	JumpMPS     float64       `key:"jump_mps" doc:"Speed in metres a second between two fixes that nobody reaches."`
}

// Map configures the base map.
type Map struct {
	Style       string   `key:"style" doc:"Street map: pmtiles:FILE on this machine, style:URL, raster:URL-TEMPLATE. Empty: the built-in world map."`
	Attribution string   `key:"attribution" doc:"Whom a street map must name, if it does not say so itself."`
	Hosts       []string `key:"hosts" doc:"Origins like https://tiles.example.com, besides that of map.style, from which a style loads tiles, fonts or icons."`
}

// Log configures the log.
type Log struct {
	Level  string `key:"level" doc:"debug, info, warn or error. Coordinates appear at debug only."`
	Format string `key:"format" doc:"text or json."`
}

// Default returns the settings of a server that nobody has configured.
func Default() Config {
	return Config{
		Data: "data",
		HTTP: HTTP{Addr: ":8080", Origins: []string{}, ForwardedFrom: []string{}, MaxFailedLogins: 10, MaxFailedLoginsPerAddress: 30},
		MQTT: MQTT{
			Addr: ":1883", ProxyProtocolFrom: []string{}, MaxConnections: 100_000, MaxConnectsPerSecond: 2000,
			MaxPublishesPerSecond: 100, MaxPublishBurst: 1000, MaxSubscriptions: 64,
			MaxPayload: 256 << 10, MaxBatch: 10_000, ConnectTimeout: 10 * time.Second,
		},
		Map:      Map{Hosts: []string{}},
		TLS:      TLS{Domains: []string{}, HTTPAddr: ":443", MQTTAddr: ":8883"},
		Identity: Identity{Issuers: Issuers{}},
		Metrics:  Metrics{Addr: "127.0.0.1:9090"},
		Journal:  defaultJournal(),
		Judge: Judge{
			Future: time.Minute, Stale: 24 * time.Hour, InaccurateM: 200,
			Patience: 10 * time.Minute, JumpMPS: 100,
		},
		Log: Log{Level: "info", Format: "text"},
	}
}

// KeysDir is where the signing key is kept.
func (c Config) KeysDir() string { return filepath.Join(c.Data, "keys") }

// JournalDir is where the journal is kept.
func (c Config) JournalDir() string { return filepath.Join(c.Data, "journal") }

// CertificatesDir is where certificates are kept that were got by ACME.
func (c Config) CertificatesDir() string { return filepath.Join(c.Data, "certificates") }

// PublicMQTT is where phones connect to, as far as the settings say: host may
// be empty, port is 0 if the server listens on a port of the system's choice.
func (c Config) PublicMQTT() (host string, port int, tls bool) {
	addr := c.MQTT.Addr
	host, tls = c.MQTT.PublicHost, c.MQTT.PublicTLS
	if c.TLS.Enabled() && c.TLS.MQTTAddr != "" {
		addr, tls = c.TLS.MQTTAddr, true
	}
	if host == "" && len(c.TLS.Domains) > 0 {
		host = c.TLS.Domains[0]
	}
	port = c.MQTT.PublicPort
	if port == 0 {
		if _, digits, err := net.SplitHostPort(addr); err == nil {
			port, _ = strconv.Atoi(digits) // 0 if it is a name
		}
	}
	return host, port, tls
}

// SQLitePath is the database file that is used when Database is empty.
func (c Config) SQLitePath() string { return filepath.Join(c.Data, "fieldcast.db") }

// Validate returns all that is wrong, joined; each line names the setting and
// says what is allowed.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Data == "" {
		bad("data", "must name a folder")
	}
	if err := checkDatabase(c.Database); err != nil {
		bad("database", "%v", err)
	}
	for key, addr := range map[string]string{
		"http.addr": c.HTTP.Addr, "mqtt.addr": c.MQTT.Addr, "metrics.addr": c.Metrics.Addr,
		"tls.http_addr": c.TLS.HTTPAddr, "tls.mqtt_addr": c.TLS.MQTTAddr,
	} {
		if addr == "" && key != "http.addr" && key != "tls.http_addr" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad(key, "%q is not host:port or :port", addr)
		}
	}
	for _, o := range c.HTTP.Origins {
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			bad("http.origins", "%q is not an origin such as https://app.example.com", o)
		}
	}
	if c.MQTT.PublicPort < 0 || c.MQTT.PublicPort > 65535 {
		bad("mqtt.public_port", "%d is not a port", c.MQTT.PublicPort)
	}
	for key, n := range map[string]int{
		"mqtt.max_connections": c.MQTT.MaxConnections, "mqtt.max_connects_per_second": c.MQTT.MaxConnectsPerSecond,
		"mqtt.max_publishes_per_second": c.MQTT.MaxPublishesPerSecond, "mqtt.max_publish_burst": c.MQTT.MaxPublishBurst,
		"mqtt.max_subscriptions": c.MQTT.MaxSubscriptions, "http.max_failed_logins": c.HTTP.MaxFailedLogins,
		"http.max_failed_logins_per_address": c.HTTP.MaxFailedLoginsPerAddress,
	} {
		if n < 1 {
			bad(key, "must be at least 1")
		}
	}
	for key, n := range map[string]int{
		"mqtt.max_connections_per_address": c.MQTT.MaxConnectionsPerAddress, "mqtt.max_connections_per_company": c.MQTT.MaxConnectionsPerCompany,
		"mqtt.max_connects_per_address": c.MQTT.MaxConnectsPerAddress,
	} {
		if n < 0 {
			bad(key, "must not be negative")
		}
	}
	if c.MQTT.MaxBatch < 1 || c.MQTT.MaxBatch > 10_000 {
		bad("mqtt.max_batch", "must be between 1 and 10000")
	}
	for key, list := range map[string][]string{"mqtt.proxy_protocol_from": c.MQTT.ProxyProtocolFrom, "http.forwarded_from": c.HTTP.ForwardedFrom} {
		for _, s := range list {
			if !isNetwork(s) {
				bad(key, "%q is not an address such as 192.0.2.1 or a network such as 10.0.0.0/8", s)
			}
		}
	}
	errs = append(errs, c.TLS.validate()...)
	for _, i := range c.Identity.Issuers {
		if err := i.complete(); err != nil {
			bad("identity.issuers", "%v", err)
		}
	}
	if c.MQTT.MaxPayload < 1<<10 || c.MQTT.MaxPayload > 1<<20-1<<10 {
		bad("mqtt.max_payload", "must be between 1KiB and 1023KiB")
	}
	if c.MQTT.ConnectTimeout <= 0 {
		bad("mqtt.connect_timeout", "must be positive")
	}
	errs = append(errs, c.Journal.validate()...)
	errs = append(errs, c.Judge.validate()...)
	errs = append(errs, c.Map.validate()...)
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		bad("log.level", "%q is not debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		bad("log.format", "%q is not text or json", c.Log.Format)
	}
	return errors.Join(errs...)
}

func isNetwork(s string) bool {
	_, addrErr := netip.ParseAddr(s)
	_, prefixErr := netip.ParsePrefix(s)
	return addrErr == nil || prefixErr == nil
}

func (t TLS) validate() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("tls."+format, args...)) }
	switch {
	case (t.CertFile == "") != (t.KeyFile == ""):
		bad("cert_file and tls.key_file: give both or none")
	case t.CertFile != "" && len(t.Domains) > 0:
		bad("domains: give either domains or cert_file, not both")
	case !t.Enabled() && t.ClientCAFile != "":
		bad("client_ca_file: needs cert_file or domains")
	}
	for _, d := range t.Domains {
		if !domainName.MatchString(d) {
			bad("domains: %q is not a name such as fieldcast.example.com", d)
		}
	}
	if u, err := url.Parse(t.ACMEDirectory); t.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		bad("acme_directory: %q is not an https URL", t.ACMEDirectory)
	}
	return errs
}

// domainName is a name that a public authority would certify: with a dot, and
// no address.
var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (j Judge) validate() (errs []error) {
	for key, positive := range map[string]bool{
		"judge.future": j.Future > 0, "judge.stale": j.Stale > 0, "judge.inaccurate_m": j.InaccurateM > 0,
		"judge.patience": j.Patience >= 0, "judge.jump_mps": j.JumpMPS > 0,
	} {
		if !positive {
			errs = append(errs, fmt.Errorf("%s: must be positive", key))
		}
	}
	return errs
}

func checkDatabase(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is not a URL such as postgres://user:password@host:5432/name") // the error of Parse would show the password
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("must start with postgres://, or be empty for SQLite")
	}
	return nil
}
