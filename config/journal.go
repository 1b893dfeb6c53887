package config

import (
	"fmt"
	"regexp"
	"time"

	"fieldcast/journal/redis/redisurl"
)

// Journal configures the durable log.
type Journal struct {
	Kind     string       `key:"kind" doc:"disk: in the data folder. redis: in a Redis or Valkey, for when one machine is not enough."`
	MaxBytes Bytes        `key:"max_bytes" doc:"Size, on disk or in the memory of Redis, at which phones are no longer acknowledged."`
	Redis    JournalRedis `key:"redis" doc:"With kind redis. What each setting can lose is in docs/guarantees.md."`
}

// JournalRedis configures the durable log in Redis.
type JournalRedis struct {
	URL        string        `key:"url" secret:"url" doc:"redis://user:password@host:6379/0, rediss:// with TLS, redis+sentinel://host:26379,host:26379/NAME, redis+cluster://host:6379,host:6379, unix:///path."`
	Prefix     string        `key:"prefix" doc:"The keys begin with it. Installations that share a Redis need different ones."`
	Durability string        `key:"durability" doc:"What an acknowledgement waits for: fsync (appendfsync always, or WAITAOF of 7.2 and newer), everysec, or memory. The server is asked whether it does so."`
	Replicas   int           `key:"replicas" doc:"How many replicas must have a record before it is acknowledged (WAIT)."`
	Trust      bool          `key:"trust" doc:"Believe durability where the server does not let its settings be read, as managed ones do."`
	Timeout    time.Duration `key:"timeout" doc:"How long an acknowledgement waits for a Redis that is away. Then phones keep what they have."`
}

// The kinds of journals.
const (
	JournalOnDisk  = "disk"
	JournalInRedis = "redis"
)

func defaultJournal() Journal {
	return Journal{
		Kind: JournalOnDisk, MaxBytes: 10 << 30,
		Redis: JournalRedis{Prefix: "fieldcast", Durability: "fsync", Timeout: 10 * time.Second},
	}
}

// keyPrefix leaves out what has a meaning in the keys of a cluster.
var keyPrefix = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

func (j Journal) validate() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("journal."+format, args...)) }
	if j.MaxBytes < 64<<20 {
		bad("max_bytes: must be at least 64MiB")
	}
	switch {
	case j.Kind == JournalOnDisk && j.Redis.URL != "":
		bad("redis.url: is not used while journal.kind is disk; set journal.kind: redis, or leave it out")
	case j.Kind == JournalOnDisk:
	case j.Kind != JournalInRedis:
		bad("kind: %q is not disk or redis", j.Kind)
	case j.Redis.URL == "":
		bad("redis.url: is missing; an example is redis://user:password@host:6379/0")
	default:
		if _, err := redisurl.Parse(j.Redis.URL); err != nil {
			bad("redis.url: %w", err)
		}
	}
	if !keyPrefix.MatchString(j.Redis.Prefix) {
		bad("redis.prefix: %q must be 1 to 64 letters, digits, dots, dashes, underscores or colons", j.Redis.Prefix)
	}
	switch j.Redis.Durability {
	case "fsync", "everysec", "memory":
	default:
		bad("redis.durability: %q is not fsync, everysec or memory", j.Redis.Durability)
	}
	if j.Redis.Replicas < 0 || j.Redis.Replicas > 100 {
		bad("redis.replicas: must be between 0 and 100")
	}
	if j.Redis.Timeout < 100*time.Millisecond || j.Redis.Timeout > 5*time.Minute {
		bad("redis.timeout: must be between 100ms and 5m")
	}
	return errs
}
