package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Durability is what an acknowledgement waits for on the Redis that takes the
// write. See DESIGN.md for what each can lose.
type Durability string

// The durabilities.
const (
	// Fsync: the append-only file has been synced: `appendfsync always`, or
	// WAITAOF on Redis 7.2 and newer.
	Fsync Durability = "fsync"
	// Everysec: Redis has it in memory and syncs its file once a second.
	Everysec Durability = "everysec"
	// Memory: Redis has it in memory. What it writes to disk is its own matter.
	Memory Durability = "memory"
)

// Bounds of what is held in memory and of one write.
const (
	defaultTailRecords = 16 << 10
	defaultTailBytes   = 16 << 20
	defaultTimeout     = 10 * time.Second

	groupRecords = 1000     // most records of one script, which holds up Redis for about 5 ms
	groupBytes   = 1 << 20  // most bytes of one script
	readRecords  = 512      // most records that one Read takes from Redis
	readBytes    = 4 << 20  // about as many bytes
	maxRecord    = 16 << 20 // largest record; MQTT payloads are far smaller

	// beside is what a record takes in Redis beside its own bytes: its number,
	// the names of its fields, its running total, its part of the node.
	beside = 64

	dialTimeout    = 2 * time.Second
	attemptTimeout = 3 * time.Second // one script with its confirmation
	confirmTimeout = time.Second     // WAIT, WAITAOF; each
	beatEvery      = time.Second
	checkEvery     = 10 * time.Second        // how often durability is looked at again
	abandoned      = 2500 * time.Millisecond // without a beat
	watchEvery     = 250 * time.Millisecond
	closeGrace     = 3 * time.Second // for what is under way when Redis is away
	releaseTimeout = time.Second
)

// Options of [Open]. URL is needed.
type Options struct {
	// URL names the server: redis://, rediss:// (TLS), unix://, and for several
	// hosts redis+sentinel://host:26379,host:26379/NAME and
	// redis+cluster://host:6379,host:6379; see [redisurl.Parse].
	URL string
	// Prefix begins the names of the keys; "" is "fieldcast".
	Prefix string
	// Shard is the number of this journal among those of the same prefix.
	Shard int
	// MaxBytes limits what the records may take in Redis, by an estimate; past
	// it Append returns [journal.ErrFull]. 0 is no limit but Redis' own.
	MaxBytes int64
	// Durability is what an acknowledgement waits for; "" is Fsync.
	Durability Durability
	// Replicas is how many replicas must have a record before it is
	// acknowledged (WAIT).
	Replicas int
	// Trust believes Durability where the server does not let its settings be
	// read, as managed ones do.
	Trust bool
	// Timeout is how long an append waits for a Redis that is away; 0 is 10 s.
	Timeout time.Duration
	// Patience is how long Open waits for a Redis that is away or still loads.
	Patience time.Duration
	// TailRecords and TailBytes bound the newest records kept in memory, for
	// readers that keep up and to write again what Redis has lost; 0 is 16,384
	// records and 16 MiB.
	TailRecords, TailBytes int
	// Logger gets what the operator should know; nil discards it.
	Logger *slog.Logger
	// Registerer gets the metrics; nil is no metrics.
	Registerer prometheus.Registerer
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes < 0 || o.TailRecords < 0 || o.TailBytes < 0 || o.Replicas < 0 || o.Shard < 0 {
		return o, errors.New("sizes and numbers must not be negative")
	}
	switch o.Durability {
	case "":
		o.Durability = Fsync
	case Fsync, Everysec, Memory:
	default:
		return o, fmt.Errorf("durability %q is not fsync, everysec or memory", o.Durability)
	}
	if o.Prefix == "" {
		o.Prefix = "fieldcast"
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.TailRecords == 0 {
		o.TailRecords = defaultTailRecords
	}
	if o.TailBytes == 0 {
		o.TailBytes = defaultTailBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// keys names the two keys of a shard. The braces put both into one slot of a
// cluster, and shards into different ones.
func (o Options) keys() (log, state string) {
	shard := fmt.Sprintf("{%s:%d}", o.Prefix, o.Shard)
	return shard + ":log", shard + ":state"
}
