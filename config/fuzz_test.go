package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"fieldcast/config"
)

// FuzzLoad reads any file and any value in the environment: settings that are
// whole and can be printed and read again, or one clear sentence.
func FuzzLoad(f *testing.F) {
	variables := []string{
		"DATA", "DATABASE", "HTTP_ADDR", "HTTP_ORIGINS", "MQTT_ADDR", "MQTT_MAX_PAYLOAD", "MQTT_MAX_CONNECTIONS", "MQTT_CONNECT_TIMEOUT",
		"MQTT_PUBLIC_TLS", "MQTT_PROXY_PROTOCOL_FROM", "TLS_DOMAINS", "JOURNAL_MAX_BYTES", "JUDGE_STALE", "IDENTITY_ISSUERS", "LOG_LEVEL",
	}
	f.Add([]byte("data: x\nhttp:\n  addr: ':1'\n"), byte(1), "postgres://u@h/d")
	f.Add([]byte("data: ["), byte(0), "")
	f.Add([]byte("mqtt: 1\n"), byte(5), "1KiB")
	f.Add([]byte("judge:\n  stale: {a: b}\n"), byte(12), "soon")
	f.Add([]byte("http:\n  origins: [[a], 1]\n? [1, 2]\n: x\n"), byte(3), "a,,\xff")
	f.Add([]byte("a: &a [*a]\n"), byte(13), `[{"issuer":"i"}]`)
	f.Add([]byte("- 1\n"), byte(11), "9999999999GiB")
	f.Add([]byte("identity:\n  issuers:\n  - issuer: 5\n    max_ttl: x\n"), byte(13), `{"`)
	f.Fuzz(func(t *testing.T, file []byte, which byte, value string) {
		if strings.ContainsRune(value, 0) {
			t.Skip("no environment can hold it")
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "c.yaml")
		must(t, os.WriteFile(path, file, 0o600))
		t.Setenv("FIELDCAST_"+variables[int(which)%len(variables)], value)
		c, err := config.Load(config.Source{File: path})
		if err != nil {
			wantSentence(t, err)
			return
		}
		must(t, c.Validate())
		_, _, _ = c.PublicMQTT()
		c.Print(true)
	})
}

// wantSentence refuses what nobody reads: nothing, pages, or another's list.
func wantSentence(t *testing.T, err error) {
	t.Helper()
	s := err.Error()
	if !strings.HasPrefix(s, "config file ") && !strings.HasPrefix(s, "settings: ") {
		t.Errorf("does not say where the trouble is: %q", s)
	}
	if strings.ContainsAny(s, "\x00\n\r") || !utf8.ValidString(s) {
		t.Errorf("not one line of text: %q", s)
	}
}
