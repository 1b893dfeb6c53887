package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// confirmation is what is asked of Redis behind a write, on its connection.
// The zero value asks nothing.
type confirmation struct {
	replicas int
	fsync    bool // WAITAOF; without it, the answer itself comes after the fsync, or durability does not ask for one
}

func (c confirmation) ask(ctx context.Context, pipe redis.Pipeliner) (waits [2]*redis.Cmd) {
	ms := confirmTimeout.Milliseconds()
	if c.fsync {
		waits[0] = pipe.Do(ctx, "WAITAOF", 1, 0, ms)
	}
	if c.replicas > 0 {
		waits[1] = pipe.Do(ctx, "WAIT", c.replicas, ms)
	}
	return waits
}

// check returns errUnconfirmed if there is less than was asked for.
func (c confirmation) check(waits [2]*redis.Cmd) error {
	if waits[0] != nil {
		counts, err := waits[0].Int64Slice()
		if err != nil {
			return err
		}
		if len(counts) < 1 || counts[0] < 1 {
			return fmt.Errorf("%w: its file has not been synced", errUnconfirmed)
		}
	}
	if waits[1] != nil {
		n, err := waits[1].Int()
		if err != nil {
			return err
		}
		if n < c.replicas {
			return fmt.Errorf("%w: %d of %d replicas have the record", errUnconfirmed, n, c.replicas)
		}
	}
	return nil
}

// server is what a Redis tells about itself.
type server struct {
	role     string
	version  [2]int // major, minor, as Redis counts; Valkey says what it is compatible with
	replicas int
	settings map[string]string // nil if it does not let them be read
	memory   int64             // of the machine; 0 if not told
}

// look asks the server that takes the writes.
func (c *client) look(ctx context.Context) (server, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	node, err := c.node(ctx)
	if err != nil {
		return server{}, err
	}
	info, err := node.Info(ctx).Result()
	if err != nil {
		if away(err) {
			c.reload(ctx)
		}
		return server{}, err
	}
	s := readInfo(info)
	settings := redis.NewMapStringStringCmd(ctx, "CONFIG", "GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory", "maxmemory-policy")
	_ = node.Process(ctx, settings) // Result has the error
	s.settings, err = settings.Result()
	if err != nil {
		s.settings = nil
		if away(err) && !hasPrefix(err, refusing) {
			return server{}, err
		}
	}
	return s, nil
}

func readInfo(info string) server {
	var s server
	for line := range strings.Lines(info) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "role":
			s.role = value
		case "redis_version":
			major, rest, _ := strings.Cut(value, ".")
			minor, _, _ := strings.Cut(rest, ".")
			s.version[0], _ = strconv.Atoi(major) // 0 is refused as too old
			s.version[1], _ = strconv.Atoi(minor)
		case "connected_slaves":
			s.replicas, _ = strconv.Atoi(value)
		case "total_system_memory":
			s.memory, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return s
}

// hasWaitAOF: Redis 7.2 and newer, and Valkey, which calls itself that.
func (s server) hasWaitAOF() bool { return s.version[0] > 7 || s.version[0] == 7 && s.version[1] >= 2 }

// confirmation returns what must be asked of this server behind each write so
// that it keeps what is configured; or errWeak, in one sentence that says what
// to do.
func (s server) confirmation(o Options) (confirmation, error) {
	c := confirmation{replicas: o.Replicas}
	weak := func(format string, args ...any) (confirmation, error) {
		return c, fmt.Errorf("%w: %s", errWeak, fmt.Sprintf(format, args...))
	}
	if s.version[0] < 7 {
		return weak("version %d.%d is too old; Redis 7.0 or newer, or Valkey, is needed", s.version[0], s.version[1])
	}
	if s.settings == nil {
		c.fsync = o.Durability == Fsync && s.hasWaitAOF() // which proves it
		if !c.fsync && o.Durability != Memory && !o.Trust {
			return weak("it does not let its settings be read (CONFIG): if you know that it keeps what durability %s asks for, set journal.redis.trust: true", o.Durability)
		}
		return c, nil
	}
	if policy := s.settings["maxmemory-policy"]; s.settings["maxmemory"] != "0" && strings.HasPrefix(policy, "allkeys-") {
		return weak("its maxmemory-policy is %s, so it may delete the journal; set it to noeviction", policy)
	}
	if o.Durability == Memory {
		return c, nil
	}
	if s.settings["appendonly"] != "yes" {
		return weak("its appendonly is no, so a restart would lose what was acknowledged; set appendonly yes, or journal.redis.durability: memory")
	}
	syncs, skips := s.settings["appendfsync"], s.settings["no-appendfsync-on-rewrite"] == "yes"
	switch {
	case o.Durability == Everysec && syncs == "no":
		return weak("its appendfsync is no; set it to everysec or always, or journal.redis.durability: memory")
	case o.Durability == Everysec, syncs == "always" && !skips:
		return c, nil
	case s.hasWaitAOF():
		c.fsync = true
		return c, nil
	case skips:
		return weak("its no-appendfsync-on-rewrite is yes, so it acknowledges without fsync at times; set it to no, or journal.redis.durability: everysec")
	}
	return weak("its appendfsync is %s; set it to always, or journal.redis.durability: everysec, which can lose a second", syncs)
}

// limit returns its maxmemory, or else the machine's memory; 0 if not known.
func (s server) limit() (bytes int64, what string) {
	if n, err := strconv.ParseInt(s.settings["maxmemory"], 10, 64); err == nil && n > 0 {
		return n, "its maxmemory"
	}
	return s.memory, "the memory of its machine"
}
