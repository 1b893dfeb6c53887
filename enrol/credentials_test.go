package enrol_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/track"
)

var credential = identity.Credential{Employee: "e17", Username: "e17@acme", Password: "a.b-c_d", ClientID: "acme-e17"}

func TestWriteCSV(t *testing.T) {
	var b strings.Builder
	if err := enrol.WriteCSV(&b, []identity.Credential{credential}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "employee,username,password,client_id\ne17,e17@acme,a.b-c_d,acme-e17\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "creds.csv")
	f, err := enrol.CreateSecret(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there before it is complete: %v", err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort() // changes nothing any more
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %o", info.Mode().Perm())
	}
	if _, err := enrol.CreateSecret(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an old one: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "secret" {
		t.Errorf("got %q, %v", text, err)
	}

	g, err := enrol.CreateSecret(filepath.Join(dir, "other.csv"))
	if err != nil {
		t.Fatal(err)
	}
	g.Abort()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := enrol.CreateSecret(filepath.Join(dir, "missing", "creds.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := enrol.CreateSecret(filepath.Join(dir, "link")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("through a link that leads nowhere: %v", err)
	}
}

func TestConfiguration(t *testing.T) {
	server := enrol.Enrolment{Host: "mqtt.acme.example", Port: 443, TLS: true, WebSocket: true}
	body, err := server.Configuration("acme", credential)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"_type": "configuration", "mode": 0.0, "host": "mqtt.acme.example", "port": 443.0, "tls": true, "ws": true,
		"auth": true, "usePassword": true, "username": "e17@acme", "password": "a.b-c_d", "clientId": "acme-e17",
		"cleanSession": false, "mqttProtocolLevel": 4.0, "deviceId": "e17", "tid": "17",
		"pubTopicBase": "fc/acme/e17", "pubQos": 1.0, "pubRetain": false, "subTopic": "fc/acme/e17/cmd", "subQos": 1.0,
		"cmd": true, "remoteConfiguration": true, "ignoreInaccurateLocations": 0.0,
	} {
		if !reflect.DeepEqual(got[name], want) {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	phone := track.Identity{Role: track.RoleDevice, Company: "acme", Employee: "e17"}
	if !track.Allow(phone, track.Publish, got["pubTopicBase"].(string)) {
		t.Error("the phone may not write its topic")
	}
	if narrowed, ok := track.Narrow(phone, got["subTopic"].(string)); !ok || narrowed != got["subTopic"] {
		t.Error("the phone may not read its commands")
	}
}

func TestLink(t *testing.T) {
	awkward := credential
	awkward.Password = strings.Repeat("?>~", 50) // gives + and / in base64
	server := enrol.Enrolment{Host: "mqtt.acme.example", Port: 1883}
	link, err := server.Link("acme", awkward)
	if err != nil {
		t.Fatal(err)
	}
	inline, ok := strings.CutPrefix(link, "owntracks:///config?inline=")
	if !ok || strings.ContainsAny(inline, "+/= \n") {
		t.Fatalf("got %s", link)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(u.Query().Get("inline"))
	if err != nil {
		t.Fatal(err)
	}
	if want, err := server.Configuration("acme", awkward); err != nil || string(body) != string(want) {
		t.Errorf("the link holds %s, want %s, %v", body, want, err)
	}
}

func TestEnrolmentRefuses(t *testing.T) {
	good := enrol.Enrolment{Host: "h", Port: 1883}
	for name, link := range map[string]func() (string, error){
		"no host":     func() (string, error) { return enrol.Enrolment{Port: 1883}.Link("acme", credential) },
		"no port":     func() (string, error) { return enrol.Enrolment{Host: "h"}.Link("acme", credential) },
		"port":        func() (string, error) { return enrol.Enrolment{Host: "h", Port: 65536}.Link("acme", credential) },
		"no company":  func() (string, error) { return good.Link("", credential) },
		"no employee": func() (string, error) { return good.Link("acme", identity.Credential{}) },
	} {
		if got, err := link(); !errors.Is(err, track.ErrInvalid) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestTrackerID(t *testing.T) {
	for employee, want := range map[string]string{"e17": "17", "e": "e", "Asha.R": "aR", "a-b_c.d": "cd"} {
		c := credential
		c.Employee = employee
		body, err := enrol.Enrolment{Host: "h", Port: 1}.Configuration("acme", c)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), `"tid":"`+want+`"`) {
			t.Errorf("%s: %s", employee, body)
		}
	}
}
