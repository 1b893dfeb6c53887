package redisurl_test

import (
	"reflect"
	"strings"
	"testing"

	"fieldcast/journal/redis/redisurl"
)

func TestParse(t *testing.T) {
	for url, want := range map[string]redisurl.Target{
		"redis://localhost":                 {Kind: redisurl.Single, Network: "tcp", Hosts: []string{"localhost:6379"}},
		"redis://u:p%40ss@h:7000/3":         {Kind: redisurl.Single, Network: "tcp", Hosts: []string{"h:7000"}, Username: "u", Password: "p@ss", DB: 3},
		"rediss://:secret@h":                {Kind: redisurl.Single, Network: "tcp", Hosts: []string{"h:6379"}, Password: "secret", TLS: true},
		"redis://[::1]:6379/0":              {Kind: redisurl.Single, Network: "tcp", Hosts: []string{"[::1]:6379"}},
		"unix:///run/redis/redis.sock?db=1": {Kind: redisurl.Single, Network: "unix", Hosts: []string{"/run/redis/redis.sock"}, DB: 1},
		"redis+sentinel://u:p@a,b:26380/main?sentinel_password=s&db=2": {
			Kind: redisurl.Sentinel, Network: "tcp", Hosts: []string{"a:26379", "b:26380"}, Master: "main",
			Username: "u", Password: "p", SentinelPassword: "s", DB: 2,
		},
		"rediss+cluster://u:p@a:1,b:2,c:3": {Kind: redisurl.Cluster, Network: "tcp", Hosts: []string{"a:1", "b:2", "c:3"}, Username: "u", Password: "p", TLS: true},
	} {
		got, err := redisurl.Parse(url)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v, error %v\nwant %+v", url, got, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for url, want := range map[string]string{
		"":                                      "must start with",
		"http://h":                              "must start with",
		"redis://":                              "a host is missing",
		"redis://a,b":                           "use redis+sentinel://",
		"redis://h:port":                        "is not host:port",
		"redis://h:0":                           "is not host:port",
		"redis://h/x":                           "is not the number",
		"redis://h?timeout=1":                   "timeout is not known",
		"redis+sentinel://a,b":                  "name of the primary is missing",
		"redis+cluster://a,b/3":                 "only database 0",
		"unix://host/x":                         "path of the socket",
		"redis://user:hunter2%zz@h":             "cannot be read",
		"redis+sentinel://user:hunter2@a:b:c/m": "is not host:port",
	} {
		_, err := redisurl.Parse(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

func TestTLSConfig(t *testing.T) {
	one, _ := redisurl.Parse("rediss://redis.example:6379")
	if c := one.TLSConfig(); c == nil || c.ServerName != "redis.example" || c.InsecureSkipVerify {
		t.Errorf("got %+v", c)
	}
	plain, _ := redisurl.Parse("redis://redis.example")
	if plain.TLSConfig() != nil {
		t.Error("TLS without being asked for")
	}
}
