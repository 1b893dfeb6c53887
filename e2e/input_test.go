package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestBadInput: what cannot be read is acknowledged, kept with a reason that a
// manager understands, and harms nobody.
func TestBadInput(t *testing.T) {
	inputs := []struct{ name, body, reason, detail string }{
		{"malformed JSON", `{"_type":"location","lat":`, "not_json", ""},
		{"unknown type", `{"_type":"spaceship","lat":1,"lon":2,"tst":1700000000}`, "unknown_type", "spaceship"},
		{"latitude 91", `{"_type":"location","lat":91,"lon":2,"tst":1700000000}`, "out_of_range", "91"},
		{"no time", `{"_type":"location","lat":1,"lon":2}`, "missing", "time"},
		{"300 kB", `{"_type":"location","image":"` + strings.Repeat("x", 300_000) + `"}`, "too_large", ""},
		{"binary junk", "\x00\xff\xfe\x01\x02\x03junk", "not_json", ""},
		{"batch that breaks off", "\x08\x01\xff\xff\xff\xff", "bad_batch", ""},
	}
	databases(t, func(t *testing.T, database string) {
		s := startServer(t, database)
		phones := crew(t, s, 1)
		c := connect(t, s, phones[0])
		defer c.Disconnect(100)
		for _, in := range inputs {
			publish(t, c, "fc/acme/e1", []byte(in.body))
		}
		token := s.token("acme", "manager")
		eventually(t, 20*time.Second, "all are kept as rejected", func() bool {
			return s.stats("acme", token).Rejected == int64(len(inputs))
		})
		var answer struct {
			Rejected []struct{ Reason, Detail, Employee string }
		}
		s.get("/api/v1/companies/acme/rejected", token, &answer)
		for i, in := range inputs {
			got := answer.Rejected[len(inputs)-1-i] // newest first
			if got.Reason != in.reason || !strings.Contains(got.Detail, in.detail) || got.Detail == "" || got.Employee != "e1" {
				t.Errorf("%s: got %+v, want reason %s and a detail with %q", in.name, got, in.reason, in.detail)
			}
		}
		if st := s.stats("acme", token); st.Fixes != 0 {
			t.Errorf("%d fixes were made of junk", st.Fixes)
		}
		publish(t, c, "fc/acme/e1", []byte(`{"_type":"location","lat":1,"lon":2,"tst":"1700000000.5","acc":-1,"future_key":{}}`))
		eventually(t, 20*time.Second, "a good fix after all the bad ones is stored", func() bool { return s.stats("acme", token).Fixes == 1 })
	})
}

// TestWrongToken: the right code, and a log line without the token.
func TestWrongToken(t *testing.T) {
	s := startServer(t, "")
	phones := crew(t, s, 2)
	forged := phones[0].Password[:len(phones[0].Password)-4] + "AAAA"
	for name, login := range map[string][2]string{
		"forged":         {phones[0].Username, forged},
		"another's name": {phones[1].Username, phones[0].Password},
		"no password":    {phones[0].Username, ""},
		"not a token":    {phones[0].Username, "secret-that-is-no-token"},
	} {
		o := mqtt.NewClientOptions().AddBroker("tcp://" + s.MQTT).SetClientID("w").SetUsername(login[0]).SetPassword(login[1]).SetProtocolVersion(4)
		token := mqtt.NewClient(o).Connect()
		if !token.WaitTimeout(10*time.Second) || token.Error() == nil {
			t.Errorf("%s: was let in", name)
			continue
		}
		if e := strings.ToLower(token.Error().Error()); !strings.Contains(e, "not authorized") && !strings.Contains(e, "bad user name or password") {
			t.Errorf("%s: CONNACK says %v", name, token.Error())
		}
	}
	for _, secret := range []string{phones[0].Password, forged, "secret-that-is-no-token", phones[0].Password[strings.LastIndex(phones[0].Password, ".")+1:]} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("a token is in the log: %.12s…", secret)
		}
	}
	if !strings.Contains(s.Log.String(), "refused") {
		t.Errorf("no log line tells that a login was refused:\n%s", s.Log.Tail(1500))
	}
}

// TestStartErrors: one clear sentence, and exit code 1.
func TestStartErrors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, s *server) []string // extra flags
		want    string
	}{
		{"a taken port", func(t *testing.T, s *server) []string {
			l, err := net.Listen("tcp", s.HTTP)
			must(t, err)
			t.Cleanup(func() { l.Close() })
			return nil
		}, "http.addr: listen tcp"},
		{"a taken MQTT port", func(t *testing.T, s *server) []string {
			l, err := net.Listen("tcp", s.MQTT)
			must(t, err)
			t.Cleanup(func() { l.Close() })
			return nil
		}, "mqtt.addr: listen tcp"},
		{"a key that others can read", func(t *testing.T, s *server) []string {
			s.cli("company", "add", "acme")
			must(t, os.Chmod(keyFile(t, s), 0o644))
			return nil
		}, "chmod 600"},
		{"a broken key", func(t *testing.T, s *server) []string {
			s.cli("company", "add", "acme")
			must(t, os.WriteFile(keyFile(t, s), []byte("short"), 0o600))
			return nil
		}, "token.key"},
		{"an unknown config key", func(t *testing.T, s *server) []string {
			file := filepath.Join(t.TempDir(), "c.yaml")
			must(t, os.WriteFile(file, []byte("htp:\n  addr: x\n"), 0o600))
			return []string{"--config", file}
		}, `unknown key "htp.addr"`},
		{"a data folder that is a file", func(t *testing.T, s *server) []string {
			s.Data = filepath.Join(t.TempDir(), "file")
			must(t, os.WriteFile(s.Data, nil, 0o600))
			return nil
		}, "data folder"},
		{"no database there", func(t *testing.T, s *server) []string {
			return []string{"--database", "postgres://u:hunter2@" + freeAddr(t) + "/fieldcast"}
		}, "database"},
		{"a journal that is in use", func(t *testing.T, s *server) []string {
			first := newServer(t, "")
			first.Data = s.Data
			first.start()
			return nil
		}, "in use"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, "")
			s.launch(tt.prepare(t, s)...)
			select {
			case <-s.Exited:
			case <-time.After(60 * time.Second):
				t.Fatal("the server runs")
			}
			lines := strings.Split(strings.TrimSpace(s.Log.String()), "\n")
			last := lines[len(lines)-1]
			if code := s.Cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if !strings.HasPrefix(last, "fieldcast: ") || !strings.Contains(last, tt.want) || strings.Contains(s.Log.String(), "goroutine ") {
				t.Errorf("got %q, want a sentence with %q", last, tt.want)
			}
			if strings.Contains(s.Log.String(), "hunter2") {
				t.Error("the database password is in the log")
			}
		})
	}
}

func keyFile(t *testing.T, s *server) string {
	t.Helper()
	return filepath.Join(s.Data, "keys", "token.key")
}
