package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fieldcast/config"
)

var update = flag.Bool("update", false, "write fieldcast.example.yaml anew")

func TestLoadOverlays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fieldcast.yaml")
	must(t, os.WriteFile(file, []byte("data: from-file\nhttp:\n  addr: ':1'\njournal:\n  max_bytes: 1GiB\njudge:\n  stale: 2h\n"), 0o600))
	t.Setenv("FIELDCAST_HTTP_ADDR", ":2")
	t.Setenv("FIELDCAST_MQTT_ADDR", ":3")
	t.Setenv("FIELDCAST_HTTP_ORIGINS", "https://a.example,https://b.example")
	c, err := config.Load(config.Source{File: file, Flags: map[string]string{"mqtt.addr": ":4"}})
	must(t, err)
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"file over default", c.Data, "from-file"},
		{"environment over file", c.HTTP.Addr, ":2"},
		{"flag over environment", c.MQTT.Addr, ":4"},
		{"size with unit", c.Journal.MaxBytes, config.Bytes(1 << 30)},
		{"duration", c.Judge.Stale, 2 * time.Hour},
		{"list from the environment", strings.Join(c.HTTP.Origins, " "), "https://a.example https://b.example"},
		{"default stays", c.Metrics.Addr, "127.0.0.1:9090"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"unknown key", "htpp:\n  addr: ':1'\n", `unknown key "htpp.addr" (did you mean "http.addr"?)`},
		{"unknown top level key", "datta: x\n", `unknown key "datta" (did you mean "data"?)`},
		{"not YAML", "data: [", "config file"},
		{"bad size", "journal:\n  max_bytes: lots\n", `"lots" is not a size such as 10GiB`},
		{"bad address", "http:\n  addr: nowhere\n", `http.addr: "nowhere" is not host:port or :port`},
		{"bad database", "database: mysql://x\n", "database: must start with postgres://"},
		{"two problems at once", "log:\n  level: loud\n  format: xml\n", `log.format: "xml" is not text or json`},
		{"journal too small", "journal:\n  max_bytes: 1KiB\n", "journal.max_bytes: must be at least 64MiB"},
		{"unknown journal", "journal:\n  kind: kafka\n", `journal.kind: "kafka" is not disk or redis`},
		{"journal without Redis", "journal:\n  kind: redis\n", "journal.redis.url: is missing"},
		{"Redis without its kind", "journal:\n  redis:\n    url: redis://h\n", "journal.redis.url: is not used while journal.kind is disk"},
		{"bad URL of Redis", "journal:\n  kind: redis\n  redis:\n    url: http://h\n", "journal.redis.url: must start with redis://"},
		{"sentinels without a name", "journal:\n  kind: redis\n  redis:\n    url: redis+sentinel://a,b\n", "journal.redis.url: the name of the primary is missing"},
		{"bad durability", "journal:\n  redis:\n    durability: yes please\n", "journal.redis.durability: \"yes please\" is not fsync, everysec or memory"},
		{"bad prefix", "journal:\n  redis:\n    prefix: 'a}b'\n", "journal.redis.prefix: "},
		{"no time", "journal:\n  redis:\n    timeout: 1ms\n", "journal.redis.timeout: must be between"},
		{"certificate without key", "tls:\n  cert_file: a.pem\n", "tls.cert_file and tls.key_file: give both or none"},
		{"files and domains", "tls:\n  cert_file: a\n  key_file: b\n  domains: [a.example]\n", "tls.domains: give either domains or cert_file"},
		{"a domain that is none", "tls:\n  domains: ['*.example.com']\n", `tls.domains: "*.example.com" is not a name`},
		{"an authority without TLS", "tls:\n  domains: [a.example]\n  acme_directory: http://x\n", "tls.acme_directory: \"http://x\" is not an https URL"},
		{"client certificates without TLS", "tls:\n  client_ca_file: a\n", "tls.client_ca_file: needs"},
		{"bad network", "mqtt:\n  proxy_protocol_from: [balancer]\n", `mqtt.proxy_protocol_from: "balancer" is not an address`},
		{"bad proxy", "http:\n  forwarded_from: ['10.0.0.0/99']\n", "http.forwarded_from: "},
		{"no publishes", "mqtt:\n  max_publishes_per_second: 0\n", "mqtt.max_publishes_per_second: must be at least 1"},
		{"large batch", "mqtt:\n  max_batch: 20000\n", "mqtt.max_batch: must be between 1 and 10000"},
		{"negative", "mqtt:\n  max_connections_per_company: -1\n", "mqtt.max_connections_per_company: must not be negative"},
		{"a map of no kind", "map:\n  style: https://tiles.example/style.json\n", "must start with pmtiles:, style: or raster:"},
		{"an archive without a file", "map:\n  style: 'pmtiles:'\n", "map.style: name the file after pmtiles:"},
		{"a style without a host", "map:\n  style: 'style:style.json'\n", "an address that begins with https:// or http://"},
		{"a host that says more to the browser", "map:\n  style: \"style:https://a;script-src *\"\n", "map.style: "},
		{"raster tiles without places for numbers", "map:\n  style: 'raster:https://tiles.example/{z}.png'\n", "holds {z}, {x} and {y}"},
		{"a password for all to see", "map:\n  style: style:https://u:hunter2@tiles.example/s.json\n", "map.style: "},
		{"a host with a path", "map:\n  hosts: ['https://tiles.example/a']\n", `map.hosts: "https://tiles.example/a" is no origin`},
		{"bad origin", "http:\n  origins: [example]\n", `http.origins: "example" is not an origin`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.yaml")
			must(t, os.WriteFile(file, []byte(tt.file), 0o600))
			_, err := config.Load(config.Source{File: file})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %s", err, tt.want)
			}
		})
	}
	if _, err := config.Load(config.Source{File: "missing.yaml"}); err == nil || !strings.Contains(err.Error(), "missing.yaml does not exist") {
		t.Errorf("missing file: got %v", err)
	}
}

func TestPrintHidesSecretsAndReadsBack(t *testing.T) {
	c := config.Default()
	c.Database = "postgres://u:hunter2@h/db?password=hunter3"
	out := c.Print(false)
	if strings.Contains(out, "hunter") {
		t.Errorf("the password is printed:\n%s", out)
	}
	file := filepath.Join(t.TempDir(), "c.yaml")
	must(t, os.WriteFile(file, []byte(out), 0o600))
	back, err := config.Load(config.Source{File: file})
	must(t, err)
	if got := back.Print(false); got != out {
		t.Errorf("printed again:\n%s\nwant:\n%s", got, out)
	}
}

// The passwords of Redis are hidden, also where its URL names several hosts, and
// the rest can be read.
func TestPrintRedis(t *testing.T) {
	for url, want := range map[string]string{
		"redis://u:hunter2@h:6379/0": "redis://u:xxxxx@h:6379/0",
		"redis+sentinel://u:hunter2@a:1,b:2/main?db=1&sentinel_password=hunter3": "redis+sentinel://u:xxxxx@a:1,b:2/main?db=1&sentinel_password=xxxxx",
		"redis+cluster://:hunter2@a:1,b:2":                                       "redis+cluster://:xxxxx@a:1,b:2",
		"redis+cluster://a:1,b:2/":                                               "redis+cluster://a:1,b:2/",
	} {
		c := config.Default()
		c.Journal.Kind, c.Journal.Redis.URL = config.JournalInRedis, url
		if out := c.Print(false); !strings.Contains(out, `url: "`+want+`"`) || strings.Contains(out, "hunter") {
			t.Errorf("%s is printed as\n%s", url, out)
		}
	}
}

// Where phones connect follows from what the server does itself, unless a
// setting says otherwise.
func TestPublicMQTT(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		host   string
		port   int
		tls    bool
	}{
		{"defaults", func(*config.Config) {}, "", 1883, false},
		{"another port", func(c *config.Config) { c.MQTT.Addr = "127.0.0.1:2883" }, "", 2883, false},
		{"domains", func(c *config.Config) { c.TLS.Domains = []string{"a.example", "b.example"} }, "a.example", 8883, true},
		{"files", func(c *config.Config) { c.TLS.CertFile, c.MQTT.PublicHost = "a", "m.example" }, "m.example", 8883, true},
		{"TLS for browsers only", func(c *config.Config) { c.TLS.CertFile, c.TLS.MQTTAddr = "a", "" }, "", 1883, false},
		{"a proxy in front", func(c *config.Config) { c.MQTT.PublicPort, c.MQTT.PublicTLS = 443, true }, "", 443, true},
	} {
		c := config.Default()
		tt.change(&c)
		if host, port, tls := c.PublicMQTT(); host != tt.host || port != tt.port || tls != tt.tls {
			t.Errorf("%s: got %q, %d, %v", tt.name, host, port, tls)
		}
	}
}

// The example file is the defaults with their comments.
func TestExampleFile(t *testing.T) {
	const path = "../fieldcast.example.yaml"
	want := "# Settings of Fieldcast, with their defaults. Use: fieldcast serve --config fieldcast.yaml\n" +
		"# Each can also be set in the environment: journal.max_bytes is FIELDCAST_JOURNAL_MAX_BYTES.\n\n" + config.Default().Print(true)
	if *update {
		must(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s is not what the defaults print; run: go test ./config -update", path)
	}
	c, err := config.Load(config.Source{File: path})
	must(t, err)
	if c.Print(false) != config.Default().Print(false) {
		t.Error("the example file does not read back as the defaults")
	}
}

func FuzzBytes(f *testing.F) {
	for _, s := range []string{"10GiB", "0", "1 KB", "-1", "9999999999GiB", "GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b, again config.Bytes
		if b.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b || b < 0 {
			t.Errorf("%q is %d, written %q, read %d, %v", s, b, b, again, err)
		}
	})
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
