// Package config holds the settings of a server: [Default] is the full set,
// [Load] lays a file, the environment and flags over it, in this order, and
// [Config.Validate] finds what cannot work. Viper stays inside this package.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Config is every setting. The key tags are the names in the file; the name in
// the environment is FIELDCAST_ and the path with underscores, in capitals:
// journal.max_bytes is FIELDCAST_JOURNAL_MAX_BYTES.
type Config struct {
	Data     string  `key:"data" doc:"Folder for the database, the journal and the keys."`
	Database string  `key:"database" secret:"url" doc:"PostgreSQL, as postgres://user:password@host:5432/name. Empty: SQLite in the data folder."`
	HTTP     HTTP    `key:"http" doc:"Web app, REST and MQTT over WebSocket."`
	MQTT     MQTT    `key:"mqtt" doc:"MQTT for phones and programs."`
	Metrics  Metrics `key:"metrics" doc:"Prometheus metrics and pprof. Keep this address private."`
	Journal  Journal `key:"journal" doc:"The durable log between phones and database."`
	Judge    Judge   `key:"judge" doc:"When a fix is marked as doubtful. Raw values are always kept."`
	Map      Map     `key:"map" doc:"The manager's map."`
	Log      Log     `key:"log" doc:"Messages on standard error."`
}

// HTTP configures the web side.
type HTTP struct {
	Addr    string   `key:"addr" doc:"Address to listen on."`
	Origins []string `key:"origins" doc:"Browser origins, besides the server's own, that may open /mqtt."`
	// BehindTLS is not guessed from headers, which anybody can send.
	BehindTLS bool `key:"behind_tls" doc:"A proxy in front speaks TLS: cookies are sent over TLS only."`
}

// MQTT configures the broker.
type MQTT struct {
	Addr                     string        `key:"addr" doc:"Address to listen on, without TLS. Empty: WebSocket only."`
	PublicHost               string        `key:"public_host" doc:"Host name that phones reach; written into enrolment links."`
	PublicPort               int           `key:"public_port" doc:"Port that phones reach."`
	PublicTLS                bool          `key:"public_tls" doc:"Phones connect with TLS (by a proxy in front)."`
	MaxConnections           int           `key:"max_connections" doc:"Most connections at once."`
	MaxConnectionsPerAddress int           `key:"max_connections_per_address" doc:"Most connections from one address. 0: no limit."`
	MaxPayload               Bytes         `key:"max_payload" doc:"Largest message that is read; what is larger is kept as rejected."`
	ConnectTimeout           time.Duration `key:"connect_timeout" doc:"A connection must log in within this time."`
}

// Metrics configures the address for Prometheus.
type Metrics struct {
	Addr string `key:"addr" doc:"Address to listen on. Empty: off."`
}

// Journal configures the durable log.
type Journal struct {
	MaxBytes Bytes `key:"max_bytes" doc:"Size on disk at which phones are no longer acknowledged."`
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
	Style       string `key:"style" doc:"Street map: style:URL, raster:URL-TEMPLATE. Empty: the built-in world map."`
	Attribution string `key:"attribution" doc:"Whom a street map must name."`
}

// Log configures the log.
type Log struct {
	Level  string `key:"level" doc:"debug, info, warn or error. Coordinates appear at debug only."`
	Format string `key:"format" doc:"text or json."`
}

// Default returns the settings of a server that nobody has configured.
func Default() Config {
	return Config{
		Data:    "data",
		HTTP:    HTTP{Addr: ":8080", Origins: []string{}},
		MQTT:    MQTT{Addr: ":1883", PublicPort: 1883, MaxConnections: 100_000, MaxPayload: 256 << 10, ConnectTimeout: 10 * time.Second},
		Metrics: Metrics{Addr: "127.0.0.1:9090"},
		Journal: Journal{MaxBytes: 10 << 30},
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
	for key, addr := range map[string]string{"http.addr": c.HTTP.Addr, "mqtt.addr": c.MQTT.Addr, "metrics.addr": c.Metrics.Addr} {
		if addr == "" && key != "http.addr" {
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
	if c.MQTT.PublicPort < 1 || c.MQTT.PublicPort > 65535 {
		bad("mqtt.public_port", "%d is not a port", c.MQTT.PublicPort)
	}
	if c.MQTT.MaxConnections < 1 {
		bad("mqtt.max_connections", "must be at least 1")
	}
	if c.MQTT.MaxConnectionsPerAddress < 0 {
		bad("mqtt.max_connections_per_address", "must not be negative")
	}
	if c.MQTT.MaxPayload < 1<<10 || c.MQTT.MaxPayload > 1<<20-1<<10 {
		bad("mqtt.max_payload", "must be between 1KiB and 1023KiB")
	}
	if c.MQTT.ConnectTimeout <= 0 {
		bad("mqtt.connect_timeout", "must be positive")
	}
	if c.Journal.MaxBytes < 64<<20 {
		bad("journal.max_bytes", "must be at least 64MiB")
	}
	errs = append(errs, c.Judge.validate()...)
	if s := c.Map.Style; s != "" && !strings.HasPrefix(s, "style:") && !strings.HasPrefix(s, "raster:") {
		bad("map.style", "%q must start with style: or raster:", s)
	}
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
