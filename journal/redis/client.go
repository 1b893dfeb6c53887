package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"fieldcast/journal/redis/redisurl"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// client speaks with the server that takes the writes of a shard, whoever that
// is at the moment. It repeats nothing by itself: what may be repeated is for
// the journal to say.
type client struct {
	keys   []string // log, state
	where  string   // for messages; without a password
	node   func(context.Context) (*redis.Client, error)
	reload func(context.Context) // the topology may have changed
	close  func() error
}

func dial(t redisurl.Target, keys []string) *client {
	silence.Do(func() { redis.SetLogger(nobody{}) })
	c := &client{keys: keys, where: strings.Join(t.Hosts, ","), reload: func(context.Context) {}}
	switch t.Kind {
	case redisurl.Sentinel:
		one := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: t.Master, SentinelAddrs: t.Hosts,
			SentinelUsername: t.SentinelUsername, SentinelPassword: t.SentinelPassword,
			Username: t.Username, Password: t.Password, DB: t.DB, TLSConfig: t.TLSConfig(),
			Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
			DialTimeout: dialTimeout, ReadTimeout: attemptTimeout, WriteTimeout: attemptTimeout,
		})
		c.where = t.Master + " of " + c.where
		c.node = func(context.Context) (*redis.Client, error) { return one, nil }
		c.close = one.Close
	case redisurl.Cluster:
		all := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: t.Hosts, Username: t.Username, Password: t.Password, TLSConfig: t.TLSConfig(),
			Protocol: 2, DisableIdentity: true, MaxRetries: -1, MaxRedirects: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
			DialTimeout: dialTimeout, ReadTimeout: attemptTimeout, WriteTimeout: attemptTimeout,
			MaintNotificationsConfig: quiet(),
		})
		c.node = func(ctx context.Context) (*redis.Client, error) { return all.MasterForKey(ctx, keys[0]) }
		c.reload, c.close = all.ReloadState, all.Close
	default:
		one := redis.NewClient(&redis.Options{
			Network: t.Network, Addr: t.Hosts[0], Username: t.Username, Password: t.Password, DB: t.DB, TLSConfig: t.TLSConfig(),
			Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
			DialTimeout: dialTimeout, ReadTimeout: attemptTimeout, WriteTimeout: attemptTimeout,
			MaintNotificationsConfig: quiet(),
		})
		c.node = func(context.Context) (*redis.Client, error) { return one, nil }
		c.close = one.Close
	}
	return c
}

// silence keeps the library from writing to standard error, where it has but one
// logger a process: all that it says there is in the errors, too.
var silence sync.Once

type nobody struct{}

func (nobody) Printf(context.Context, string, ...any) {}

// quiet asks for no notices that only one vendor's servers send.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// answer is what a script has returned.
type answer struct {
	status string
	rest   []string
}

// at returns a part of the answer, "" if it is shorter.
func (a answer) at(i int) string {
	if i < len(a.rest) {
		return a.rest[i]
	}
	return ""
}

// run runs a script on the shard's keys, and then waits for what else an
// acknowledgement needs, on the same connection, in one round trip. The script
// may have run when there is an error.
func (c *client) run(ctx context.Context, s *redis.Script, confirm confirmation, args ...any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	node, err := c.node(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := c.attempt(ctx, node, s, confirm, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // a server that has just started
		if err := s.Load(ctx, node).Err(); err != nil {
			return answer{}, err
		}
		a, err = c.attempt(ctx, node, s, confirm, args)
	}
	if err != nil && away(err) {
		c.reload(ctx)
	}
	return a, err
}

func (c *client) attempt(ctx context.Context, node *redis.Client, s *redis.Script, confirm confirmation, args []any) (answer, error) {
	pipe := node.Pipeline()
	script := pipe.EvalSha(ctx, s.Hash(), c.keys, args...)
	waits := confirm.ask(ctx, pipe)
	_, err := pipe.Exec(ctx)
	if scriptErr := script.Err(); scriptErr != nil {
		return answer{}, scriptErr
	}
	list, err2 := script.StringSlice()
	if err2 != nil || len(list) == 0 {
		return answer{}, fmt.Errorf("a script answered %v: %w", script.Val(), errors.Join(errAnswer, err2))
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: list[0], rest: list[1:]}, confirm.check(waits)
}

// entries reads the entries of the log from one number through another.
func (c *client) entries(ctx context.Context, from, through uint64, most int) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	node, err := c.node(ctx)
	if err != nil {
		return nil, err
	}
	list, err := node.XRangeN(ctx, c.keys[0], entryID(from), entryID(through), int64(most)).Result()
	if err != nil && away(err) {
		c.reload(ctx)
	}
	return list, err
}

// pause waits a moment that grows with the attempts, or until ctx ends.
func pause(ctx context.Context, attempt int) {
	t := time.NewTimer(min(50*time.Millisecond<<min(attempt, 5), time.Second))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
