package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/internal/tail"
	"fieldcast/journal/redis/redisurl"
)

// Open opens a shard in Redis, or begins a new one. It waits, for as long as
// Options.Patience says, for a Redis that is away. The errors: another process
// uses the shard, the server keeps less than Options.Durability asks for, its
// content is damaged ([journal.ErrCorrupt]), or it refuses us.
func Open(ctx context.Context, o Options) (*Journal, error) {
	j, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

func open(ctx context.Context, o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	target, err := redisurl.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the URL of redis %w", err)
	}
	log, state := o.keys()
	j := &Journal{
		o: o, log: o.Logger, me: rand.Text(), who: whoAmI(),
		client:  dial(target, []string{log, state}),
		failed:  make(chan struct{}),
		closed:  make(chan struct{}),
		changed: make(chan struct{}),
		trouble: map[string]error{},
		tail:    tail.Tail{MaxRecords: o.TailRecords, MaxBytes: o.TailBytes},
	}
	j.work.L = &j.mu
	j.ctx, j.stop = context.WithCancel(context.Background())
	j.patient, j.hurry = context.WithCancel(context.Background())
	if err := j.begin(ctx); err != nil {
		j.stop()
		j.hurry()
		return nil, errors.Join(fmt.Errorf("redis at %s: %w", j.client.where, err), j.client.close())
	}
	j.metrics = newMetrics(j)
	if err := j.metrics.register(o.Registerer); err != nil {
		j.stop()
		j.hurry()
		j.release()
		return nil, err
	}
	j.writing.Add(1)
	go j.write()
	j.beating.Add(1)
	go j.keep()
	return j, nil
}

// whoAmI is for the people who are told that the journal is in use.
func whoAmI() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("process %d on %s", os.Getpid(), host)
}

// begin examines the server and takes the shard, waiting for a server that is
// away.
func (j *Journal) begin(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, max(j.o.Patience, time.Millisecond))
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := j.take(ctx)
		if err == nil || !away(err) || hasPrefix(err, refusing) || errors.Is(err, errWeak) {
			return err
		}
		if attempt == 0 && j.o.Patience > 0 {
			j.log.Warn("redis is away; waiting for it", "at_most", j.o.Patience, "error", err)
		}
		if pause(patience, attempt); ended(patience) {
			return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
		}
	}
}

// take makes this process the owner of the shard. An owner that has been killed
// could not give it back: it is one whose beat stands still.
func (j *Journal) take(ctx context.Context) error {
	confirm, err := j.examine(ctx)
	if err != nil {
		return err
	}
	j.advise(ctx)
	owner, beat := "", ""
	var since time.Time
	for {
		a, err := j.client.run(ctx, claimScript, confirmation{}, j.me, j.who, owner, beat)
		switch {
		case err != nil:
			return err
		case a.status == statusOK:
			return j.taken(a, confirm)
		case a.status != statusTaken:
			return refused(a)
		case owner == "":
			j.log.Info("the journal was not given back; looking whether its owner still lives", "owner", a.at(2))
			since = time.Now()
		case a.at(0) != owner || a.at(1) != beat:
			return fmt.Errorf("%w: it is in use by another server (%s); use another journal.redis.prefix for a second installation", errFinal, a.at(2))
		}
		owner, beat = a.at(0), a.at(1)
		if err := j.listen(ctx, owner, beat, since); err != nil {
			return err
		}
	}
}

// listen returns when the owner's beat has changed, or was silent for long
// enough.
func (j *Journal) listen(ctx context.Context, owner, beat string, since time.Time) error {
	for heard := 0; time.Since(since) < abandoned || heard < int(abandoned/watchEvery)/2; heard++ {
		t := time.NewTimer(watchEvery)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		node, err := j.client.node(ctx)
		if err != nil {
			return err
		}
		now, err := node.HMGet(ctx, j.client.keys[1], "owner", "beat").Result()
		if err != nil {
			return err
		}
		if now[0] != owner || now[1] != beat {
			return nil
		}
	}
	return nil
}

// taken notes where the shard stands.
func (j *Journal) taken(a answer, confirm confirmation) (err error) {
	if j.place, err = readPlace(a); err != nil {
		return err
	}
	j.cut, j.held, j.confirm, j.sound = j.place.first, j.place.last, confirm, true
	return nil
}

// advise says what will become a problem.
func (j *Journal) advise(ctx context.Context) {
	s, err := j.client.look(ctx)
	if err != nil {
		return
	}
	if limit, what := s.limit(); j.o.MaxBytes > 0 && limit > 0 && j.o.MaxBytes > limit/10*9 {
		j.log.Warn("journal.max_bytes is more than redis can hold; it will be full before", "max_bytes", j.o.MaxBytes, "limit", limit, "which_is", what)
	}
	if s.replicas < j.o.Replicas {
		j.log.Warn("redis has fewer replicas than must confirm each record; nothing is acknowledged until they are there", "replicas", s.replicas, "needed", j.o.Replicas)
	}
}
