package main

import (
	"context"

	"fieldcast/config"
	"fieldcast/journal"
	"fieldcast/journal/disk"
	"fieldcast/journal/redis"
)

// durableLog is a journal that tells readiness how it is.
type durableLog interface {
	journal.Journal
	Status() error
}

func (s *server) startJournal(ctx context.Context) (func(context.Context) error, error) {
	j, err := s.openJournal(ctx)
	if err != nil {
		return nil, err
	}
	s.journal = j
	// When it fails, nothing may be acknowledged any more: end, and let the
	// supervisor start a process that reads what is really there.
	unwatch := s.watch(j.Failed(), j.Err)
	return func(context.Context) error {
		unwatch()
		return j.Close()
	}, nil
}

// openJournal opens the journal of the kind that is configured.
func (s *server) openJournal(ctx context.Context) (durableLog, error) {
	c, log := s.config.Journal, s.log.With("component", "journal")
	if c.Kind == config.JournalInRedis {
		return redis.Open(ctx, redis.Options{
			URL:        c.Redis.URL,
			Prefix:     c.Redis.Prefix,
			MaxBytes:   int64(c.MaxBytes),
			Durability: redis.Durability(c.Redis.Durability),
			Replicas:   c.Redis.Replicas,
			Trust:      c.Redis.Trust,
			Timeout:    c.Redis.Timeout,
			Patience:   databasePatience,
			Logger:     log,
			Registerer: s.metrics,
		})
	}
	return disk.Open(s.config.JournalDir(), disk.Options{MaxBytes: int64(c.MaxBytes), Logger: log, Registerer: s.metrics})
}
