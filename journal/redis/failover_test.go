package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/redis"

	goredis "github.com/redis/go-redis/v9"
)

// replica starts a replica of p and waits until it has its data.
func (p *process) replica(t *testing.T, settings ...string) *process {
	t.Helper()
	host, port, _ := net.SplitHostPort(p.addr)
	r := start(t, append([]string{"--replicaof", host + " " + port, "--repl-diskless-sync-delay", "0"}, settings...)...)
	r.inSync()
	return r
}

func (p *process) inSync() {
	p.t.Helper()
	eventually(p.t, "the replica is in sync", func() bool {
		return strings.Contains(p.do("INFO", "replication").(string), "master_link_status:up")
	})
}

// A record is acknowledged when a replica has it, and not before.
func TestReplicas(t *testing.T) {
	p := start(t, "--repl-diskless-sync-delay", "0")
	j := mustOpen(t, redis.Options{URL: p.url(), Replicas: 1, Timeout: 500 * time.Millisecond})
	_, err := j.Append(t.Context(), message("w", 1))
	if !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("without a replica: %v, want ErrUnavailable", err)
	}
	eventually(t, "readiness is false", func() bool {
		err := j.Status()
		return errors.Is(err, journal.ErrUnavailable) && strings.Contains(err.Error(), "0 of 1 replicas")
	})
	r := p.replica(t)
	eventually(t, "readiness is true", func() bool { return j.Status() == nil })
	fill(t, j, 200, 50)
	s := j.Stats()
	if s.Last != 201 {
		t.Errorf("the record that was not acknowledged is there once: last is %d, want 201", s.Last)
	}
	if n := r.do("XLEN", "{fieldcast:0}:log"); n != int64(s.Last) {
		t.Errorf("the replica has %v records of %d", n, s.Last)
	}
	r.kill()
	if _, err := j.Append(t.Context(), message("w", 2)); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("the replica has gone: %v, want ErrUnavailable", err)
	}
}

// sentinels watch over a primary called main; it is failed over after half a
// second.
func sentinels(t *testing.T, p *process, n int) []*process {
	t.Helper()
	var all []*process
	host, port, _ := net.SplitHostPort(p.addr)
	for range n {
		s := &process{t: t, dir: t.TempDir(), addr: freeAddr(t)}
		_, own, _ := net.SplitHostPort(s.addr)
		conf := s.dir + "/sentinel.conf"
		write(t, conf, fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor main %s %s %d\n"+
			"sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n", own, s.dir, host, port, n/2+1))
		s.args = []string{conf, "--sentinel"}
		t.Cleanup(s.kill)
		s.run()
		all = append(all, s)
	}
	for _, s := range all {
		eventually(t, "the sentinels know each other and the replicas", func() bool {
			m := s.master()
			return m["num-other-sentinels"] == fmt.Sprint(n-1) && m["num-slaves"] == "2"
		})
	}
	return all
}

// master asks a sentinel about the primary.
func (p *process) master() map[string]string {
	c := goredis.NewSentinelClient(&goredis.Options{Addr: p.addr, Protocol: 2})
	defer c.Close()
	m, err := c.Master(context.Background(), "main").Result()
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// The replicas fall behind for a moment, the primary is killed under load, and the sentinels make a replica the
// primary. With WAIT nothing that was acknowledged is missing there. Without, it
// may be, and is written again.
func TestSentinel(t *testing.T) {
	for _, replicas := range []int{1, 0} {
		t.Run(fmt.Sprintf("replicas=%d", replicas), func(t *testing.T) {
			p := start(t, "--repl-diskless-sync-delay", "0")
			rs := []*process{p.replica(t), p.replica(t)}
			ss := sentinels(t, p, 3)
			url := fmt.Sprintf("redis+sentinel://%s,%s,%s/main", ss[0].addr, ss[1].addr, ss[2].addr)
			o, metrics := watched(redis.Options{URL: url, Replicas: replicas, Timeout: 30 * time.Second})
			j := mustOpen(t, o)
			l := publish(t, j, 20)
			l.moves(t, 1000)
			for _, r := range rs {
				r.freeze()
			}
			p.do("CLIENT", "KILL", "TYPE", "replica") // else what is on its way would still arrive
			if replicas == 0 {
				l.moves(t, 200)
			}
			began := time.Now()
			p.kill()
			for _, r := range rs {
				r.thaw()
			}
			eventually(t, "another one is the primary", func() bool { return net.JoinHostPort(ss[0].master()["ip"], ss[0].master()["port"]) != p.addr })
			l.moves(t, 1000)
			l.end()
			restored, lost := metric(t, metrics, "fieldcast_journal_restored_records_total"), metric(t, metrics, "fieldcast_journal_lost_records_total")
			t.Logf("failed over and acknowledging after %s at most (longest append %s); %d acknowledged; the new primary had not %v of them", time.Since(began), l.slow, l.count(), restored+lost)
			if n := l.missing(t, j); n > 0 || lost > 0 || l.denied > 0 {
				t.Errorf("%d acknowledged records are missing, %v lost, %d not acknowledged", n, lost, l.denied)
			}
			if (replicas > 0) != (restored == 0) {
				t.Errorf("the new primary had not %v of the acknowledged records", restored)
			}
		})
	}
}

// cluster starts n primaries that share the slots.
func cluster(t *testing.T, n int) []*process {
	t.Helper()
	var all []*process
	for i := range n {
		p := start(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000")
		p.do("CLUSTER", "ADDSLOTSRANGE", i*16384/n, (i+1)*16384/n-1)
		p.do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		all = append(all, p)
	}
	for _, p := range all[1:] {
		host, port, _ := net.SplitHostPort(p.addr)
		all[0].do("CLUSTER", "MEET", host, port)
	}
	for _, p := range all {
		eventually(t, "the cluster is well", func() bool {
			info := p.do("CLUSTER", "INFO").(string)
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n))
		})
	}
	return all
}

// Shards lie on different servers of a cluster; one is moved to another server
// under load, and a server is killed and comes back.
func TestCluster(t *testing.T) {
	ps := cluster(t, 3)
	url := fmt.Sprintf("redis+cluster://%s,%s", ps[0].addr, ps[1].addr)
	on := map[string]int{}
	for shard := range 6 {
		j := mustOpen(t, redis.Options{URL: url, Prefix: "spread", Shard: shard})
		fill(t, j, 100, 50)
		for _, p := range ps {
			keys, ok := p.do("KEYS", fmt.Sprintf("{spread:%d}:log", shard)).([]any)
			if ok && len(keys) == 1 {
				on[p.addr]++
			}
		}
		j.Close()
	}
	if len(on) < 2 {
		t.Errorf("the shards are on %v", on)
	}

	o, metrics := watched(redis.Options{URL: url, Prefix: "moved", Timeout: 20 * time.Second})
	j := mustOpen(t, o)
	l := publish(t, j, 20)
	l.moves(t, 300)
	from, to := owner(t, ps, "{moved:0}:log")
	moveSlot(t, ps, from, to, "{moved:0}")
	l.moves(t, 300)
	if n := to.do("EXISTS", "{moved:0}:log"); n != int64(1) {
		t.Error("the log was not moved")
	}
	to.kill()
	to.run()
	l.moves(t, 300)
	l.end()
	if n := l.missing(t, j); n > 0 || l.denied > 0 {
		t.Errorf("%d acknowledged records are missing, %d were not acknowledged", n, l.denied)
	}
	t.Logf("%d acknowledged, longest append %s, written again %v", l.count(), l.slow, metric(t, metrics, "fieldcast_journal_restored_records_total"))
}

// owner returns the server that has a key, and another one.
func owner(t *testing.T, ps []*process, key string) (has, other *process) {
	t.Helper()
	for _, p := range ps {
		if keys, ok := p.do("KEYS", key).([]any); ok && len(keys) == 1 {
			has = p
		} else {
			other = p
		}
	}
	if has == nil {
		t.Fatalf("nobody has %s", key)
	}
	return has, other
}

// moveSlot moves the slot of a shard's two keys, as redis-cli --cluster does.
func moveSlot(t *testing.T, ps []*process, from, to *process, tag string) {
	t.Helper()
	slot := from.do("CLUSTER", "KEYSLOT", tag+":log")
	fromID, toID := from.do("CLUSTER", "MYID"), to.do("CLUSTER", "MYID")
	to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	host, port, _ := net.SplitHostPort(to.addr)
	from.do("MIGRATE", host, port, "", 0, 5000, "KEYS", tag+":log", tag+":state")
	to.do("CLUSTER", "SETSLOT", slot, "NODE", toID)
	for _, p := range ps {
		if p != to {
			p.do("CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
	}
}
