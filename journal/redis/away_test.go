package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/redis"
)

// Redis stands still for a moment: appends wait, and nothing is written twice.
func TestFrozen(t *testing.T) {
	p := start(t)
	o, metrics := watched(redis.Options{URL: p.url(), Timeout: 20 * time.Second})
	j := mustOpen(t, o)
	l := publish(t, j, 20)
	for _, long := range []time.Duration{200 * time.Millisecond, 4 * time.Second} { // the second one is longer than an attempt
		l.moves(t, 200)
		p.freeze()
		time.Sleep(long)
		p.thaw()
	}
	l.moves(t, 200)
	l.end()
	s := j.Stats()
	t.Logf("%d acknowledged, longest append %s", l.count(), l.slow)
	if l.denied > 0 || l.missing(t, j) > 0 {
		t.Errorf("%d were not acknowledged, %d are missing", l.denied, l.missing(t, j))
	}
	// At most what was under way at the end is beyond what was acknowledged.
	if extra := int(s.Last) - l.count(); extra > 20 {
		t.Errorf("%d records are there for %d acknowledgements", s.Last, l.count())
	}
	if n := metric(t, metrics, "fieldcast_journal_restored_records_total"); n > 0 {
		t.Errorf("%v records were written again", n)
	}
}

// Redis is away for longer than appends wait: they are told so, readiness is
// false, what is in memory can be read, and it goes on when Redis is back.
func TestAway(t *testing.T) {
	for name, leave := range map[string]func(*process) func(){
		"frozen": func(p *process) func() { p.freeze(); return p.thaw },
		"killed": func(p *process) func() { p.kill(); return p.run },
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			j := mustOpen(t, redis.Options{URL: p.url(), Timeout: 300 * time.Millisecond})
			fill(t, j, 100, 50)
			back := leave(p)
			began := time.Now()
			_, err := j.Append(t.Context(), message("w", 1))
			if took := time.Since(began); !errors.Is(err, journal.ErrUnavailable) || took > 3*time.Second {
				t.Errorf("append after %s: %v, want ErrUnavailable", took, err)
			}
			eventually(t, "readiness is false", func() bool { return errors.Is(j.Status(), journal.ErrUnavailable) })
			if rs, err := j.Read(t.Context(), 1, 10); err != nil || len(rs) != 10 {
				t.Errorf("read from memory: %d records, error %v", len(rs), err)
			}
			if err := j.Truncate(50); err != nil {
				t.Errorf("truncate: %v", err)
			}
			if j.Err() != nil {
				t.Errorf("it has failed: %v", j.Err())
			}
			back()
			eventually(t, "readiness is true", func() bool { return j.Status() == nil })
			fill(t, j, 100, 50)
			s := j.Stats()
			if s.First != 51 || s.Last < 200 || s.Last > 201 {
				t.Errorf("after all: %+v", s)
			}
			if rs := readAll(t, j); len(rs) != int(s.Last-50) {
				t.Errorf("%d records, want %d", len(rs), s.Last-50)
			}
		})
	}
}

// Closing does not wait for ever for a Redis that is away.
func TestCloseAway(t *testing.T) {
	p := start(t)
	j := mustOpen(t, redis.Options{URL: p.url(), Timeout: time.Minute})
	p.freeze()
	answered := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), message("w", 1))
		answered <- err
	}()
	time.Sleep(50 * time.Millisecond) // most likely it is being written; either is right
	began := time.Now()
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("close took %s", took)
	}
	if err := <-answered; !errors.Is(err, journal.ErrUnavailable) && !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append: %v", err)
	}
}

// Redis has no memory left: that is a full journal, until there is some.
func TestNoMemory(t *testing.T) {
	p := start(t, "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")
	j := mustOpen(t, redis.Options{URL: p.url()})
	big := message("w", 1)
	big.Payload = make([]byte, 50_000)
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = j.Append(t.Context(), big)
	}
	if !errors.Is(err, journal.ErrFull) || !strings.Contains(err.Error(), "no memory left") {
		t.Fatalf("after %d appends: %v, want ErrFull", n, err)
	}
	if err := j.Status(); !errors.Is(err, journal.ErrFull) {
		t.Errorf("status: %v, want ErrFull", err)
	}
	if rs := readAll(t, j); len(rs) != n-1 {
		t.Errorf("%d records of %d can be read", len(rs), n-1)
	}
	if err := j.Truncate(j.Stats().Last); err != nil {
		t.Fatal(err)
	}
	eventually(t, "there is room again, without an append", func() bool { return j.Status() == nil })
	if _, err := j.Append(t.Context(), big); err != nil {
		t.Errorf("append: %v", err)
	}
}

// Redis has forgotten everything: what is in memory here is written again, with
// its numbers; what is not, is lost, said, and counted.
func TestFlushed(t *testing.T) {
	p := start(t)
	o, metrics := watched(redis.Options{URL: p.url(), TailRecords: 100})
	j := mustOpen(t, o)
	fill(t, j, 300, 50)
	p.do("FLUSHALL")
	eventually(t, "what is in memory is written again", func() bool {
		return metric(t, metrics, "fieldcast_journal_restored_records_total") == 100
	})
	if n := metric(t, metrics, "fieldcast_journal_lost_records_total"); n != 200 {
		t.Errorf("%v records are lost, want 200", n)
	}
	seq, err := j.Append(t.Context(), message("w", 1))
	if err != nil || seq != 301 {
		t.Errorf("the next record has number %d, error %v", seq, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, redis.Options{URL: p.url()})
	rs := readAll(t, j)
	if len(rs) != 101 || rs[0].Seq != 201 || rs[100].Seq != 301 {
		t.Errorf("%d records, from %d", len(rs), rs[0].Seq)
	}
}

// A server that keeps less than is asked for is refused in one sentence.
func TestWeakServer(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings []string
		o        redis.Options
		want     string // "" is none
	}{
		{"no file", []string{"--appendonly", "no"}, redis.Options{}, "set appendonly yes"},
		{"no file, as configured", []string{"--appendonly", "no"}, redis.Options{Durability: redis.Memory}, ""},
		{"everysec", []string{"--appendfsync", "everysec"}, redis.Options{}, "set it to always"},
		{"everysec, as configured", []string{"--appendfsync", "everysec"}, redis.Options{Durability: redis.Everysec}, ""},
		{"always is more", nil, redis.Options{Durability: redis.Everysec}, ""},
		{"never", []string{"--appendfsync", "no"}, redis.Options{Durability: redis.Everysec}, "set it to everysec or always"},
		{"not during rewrites", []string{"--no-appendfsync-on-rewrite", "yes"}, redis.Options{}, "no-appendfsync-on-rewrite"},
		{"evicts", []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}, redis.Options{}, "set it to noeviction"},
		{"managed", []string{"--rename-command", "CONFIG", ""}, redis.Options{}, "journal.redis.trust: true"},
		{"managed, trusted", []string{"--rename-command", "CONFIG", ""}, redis.Options{Trust: true}, ""},
		{"wants a password", []string{"--requirepass", "secret"}, redis.Options{Patience: time.Minute}, "NOAUTH"},
	} {
		t.Run(test.name, func(t *testing.T) {
			shared(t)
			p := startUnasked(t, test.settings...)
			test.o.URL = p.url()
			j, err := redis.Open(t.Context(), test.o)
			if err == nil {
				j.Close()
			}
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %v, want a line with %q", err, test.want)
			}
		})
	}
}

// The user of docs/operations.md may do what is needed, and nothing to the keys
// of others.
func TestUser(t *testing.T) {
	p := start(t)
	p.do("ACL", "SETUSER", "fieldcast", "on", ">password", "resetkeys", "~{fieldcast:*", "-@all", "+@read", "+@write", "+@scripting", "+info", "+wait", "+config|get")
	url := "redis://fieldcast:password@" + p.addr
	j := mustOpen(t, redis.Options{URL: url, Replicas: 0})
	fill(t, j, 100, 50)
	if err := j.Truncate(50); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := redis.Open(t.Context(), redis.Options{URL: url, Prefix: "other"}); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("the keys of somebody else: %v", err)
	}
}

// Somebody makes Redis keep less while the server runs: nothing is acknowledged
// until it keeps it again.
func TestWeakened(t *testing.T) {
	p := start(t)
	j := mustOpen(t, redis.Options{URL: p.url(), Timeout: 200 * time.Millisecond})
	fill(t, j, 100, 50)
	p.do("CONFIG", "SET", "appendfsync", "everysec")
	redis.LookAtSettings(j)
	_, err := j.Append(t.Context(), message("w", 1))
	if !errors.Is(err, journal.ErrUnavailable) || !strings.Contains(err.Error(), "set it to always") {
		t.Errorf("append: %v", err)
	}
	if err := j.Status(); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("status: %v", err)
	}
	p.do("CONFIG", "SET", "appendfsync", "always")
	eventually(t, "it is taken again", func() bool { return j.Status() == nil })
	fill(t, j, 100, 50)
}

// A start waits for a Redis that is not there yet.
func TestPatience(t *testing.T) {
	p := start(t)
	p.stop()
	time.AfterFunc(300*time.Millisecond, p.launch)
	j := mustOpen(t, redis.Options{URL: p.url(), Patience: 30 * time.Second})
	fill(t, j, 100, 50)
}

// Damage of a record is noticed, not served.
func TestDamagedRecord(t *testing.T) {
	p := start(t)
	j := mustOpen(t, redis.Options{URL: p.url(), TailRecords: 1})
	fill(t, j, 100, 50)
	p.do("XDEL", "{fieldcast:0}:log", "0-100")
	p.do("XADD", "{fieldcast:0}:log", "0-101", "r", "nonsense", "t", "1")
	j.Close()
	p.do("HSET", "{fieldcast:0}:state", "last", "101")
	j = mustOpen(t, redis.Options{URL: p.url()})
	if _, err := j.Read(t.Context(), 101, 1); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("a damaged record: %v, want ErrCorrupt", err)
	}
	// One that is missing is passed over, as it is nowhere.
	if rs, err := j.Read(t.Context(), 99, 10); err != nil || len(rs) != 1 || rs[0].Seq != 99 {
		t.Errorf("read up to the hole: %v, error %v", rs, err)
	}
}
