package redis

import (
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// These tests are inside the package: a server with WAITAOF is not at hand
// everywhere.

func TestConfirmation(t *testing.T) {
	everysec := map[string]string{"appendonly": "yes", "appendfsync": "everysec", "maxmemory": "0"}
	always := map[string]string{"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "yes", "maxmemory": "0"}
	for _, test := range []struct {
		name    string
		version [2]int
		s       map[string]string
		o       Options
		want    confirmation
		weak    string
	}{
		{"WAITAOF makes everysec durable", [2]int{7, 2}, everysec, Options{Durability: Fsync}, confirmation{fsync: true}, ""},
		{"and fsync during rewrites", [2]int{8, 0}, always, Options{Durability: Fsync, Replicas: 2}, confirmation{fsync: true, replicas: 2}, ""},
		{"7.0 has none", [2]int{7, 0}, everysec, Options{Durability: Fsync}, confirmation{}, "set it to always"},
		{"it proves what a managed server does", [2]int{7, 2}, nil, Options{Durability: Fsync}, confirmation{fsync: true}, ""},
		{"not asked for", [2]int{7, 2}, everysec, Options{Durability: Everysec, Replicas: 1}, confirmation{replicas: 1}, ""},
		{"managed, everysec", [2]int{7, 2}, nil, Options{Durability: Everysec}, confirmation{}, "journal.redis.trust"},
		{"too old", [2]int{6, 2}, always, Options{Durability: Memory}, confirmation{}, "too old"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := server{version: test.version, settings: test.s}.confirmation(test.o)
			switch {
			case test.weak != "":
				if !errors.Is(err, errWeak) || !strings.Contains(err.Error(), test.weak) {
					t.Errorf("got %v, want %q", err, test.weak)
				}
			case err != nil || got != test.want:
				t.Errorf("got %+v, error %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestConfirmationCheck(t *testing.T) {
	number := func(n int64) *redis.Cmd {
		c := redis.NewCmd(t.Context(), "WAIT")
		c.SetVal(n)
		return c
	}
	pair := func(a, b int64) *redis.Cmd {
		c := redis.NewCmd(t.Context(), "WAITAOF")
		c.SetVal([]any{a, b})
		return c
	}
	for _, test := range []struct {
		name  string
		c     confirmation
		waits [2]*redis.Cmd
		want  error
	}{
		{"nothing asked", confirmation{}, [2]*redis.Cmd{}, nil},
		{"synced", confirmation{fsync: true}, [2]*redis.Cmd{pair(1, 0), nil}, nil},
		{"not synced", confirmation{fsync: true}, [2]*redis.Cmd{pair(0, 3), nil}, errUnconfirmed},
		{"enough replicas", confirmation{replicas: 2}, [2]*redis.Cmd{nil, number(2)}, nil},
		{"too few", confirmation{replicas: 2}, [2]*redis.Cmd{nil, number(1)}, errUnconfirmed},
		{"one of both", confirmation{fsync: true, replicas: 1}, [2]*redis.Cmd{pair(1, 1), number(0)}, errUnconfirmed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.c.check(test.waits); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestReadInfo(t *testing.T) {
	s := readInfo("# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.0.1\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\ntotal_system_memory:25000000000\r\n")
	if s.version != [2]int{7, 2} || s.role != "master" || s.replicas != 2 || s.memory != 25_000_000_000 || !s.hasWaitAOF() {
		t.Errorf("got %+v", s)
	}
}

func TestAway(t *testing.T) {
	for message, want := range map[string]bool{
		"LOADING Redis is loading the dataset in memory": true, "READONLY You can't write against a read only replica.": true,
		"MOVED 3999 127.0.0.1:6381": true, "CLUSTERDOWN The cluster is down": true, "MISCONF Errors writing to the AOF file": true,
		"NOREPLICAS Not enough good replicas to write.": true, "ERR max number of clients reached": true, "NOAUTH Authentication required.": true,
		"WRONGTYPE Operation against a key holding the wrong kind of value": false,
		"ERR unknown command": false, "OOM command not allowed when used memory > 'maxmemory'.": false,
	} {
		if err := redisError(message); away(err) != want {
			t.Errorf("%s: away is %v", message, !want)
		}
	}
	if !away(errors.New("dial tcp: connection refused")) || away(nil) || away(errFinal) {
		t.Error("what no server has answered is away; nothing, and what is final, is not")
	}
}

// redisError is what a server answers.
type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}
