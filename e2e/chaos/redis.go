//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fieldcast/e2e/binary"
)

// The journals.
const (
	onDisk  = "disk"
	inRedis = "redis"
)

// redis is a private Redis, of one world.
type redis struct{ dir string }

// placeJournal puts the journal of the world's server where the run wants it.
func (w *world) placeJournal() error {
	if w.episode.journal != inRedis {
		return nil
	}
	w.redis = &redis{dir: filepath.Join(w.dir, "redis")}
	url, err := binary.Redis("start", w.redis.dir)
	if err != nil {
		return err
	}
	w.server.Env = append(w.server.Env, binary.JournalInRedis(url)...)
	return nil
}

func (r *redis) start() error {
	_, err := binary.Redis("start", r.dir)
	return err
}

// stop ends it: fast, or immediate, which is kill -9.
func (r *redis) stop(mode string) error {
	_, err := binary.Redis("stop", r.dir, "-m", mode)
	return err
}

// signal sends a signal to its process.
func (r *redis) signal(s syscall.Signal) error {
	content, err := os.ReadFile(filepath.Join(r.dir, "pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("%s/pid holds no process id", r.dir)
	}
	return syscall.Kill(pid, s)
}

// redisScenarios break the Redis that holds the journal.
func redisScenarios() []scenario {
	return []scenario{
		{
			name: "redis-kill", promises: "G1 G2 G3", stores: both, needsJournal: inRedis, play: playRedisKilled,
			about: "kill -9 of Redis at random moments under load, sometimes of the server as well",
		},
		{
			name: "redis-pause", promises: "G1 G2 G3", stores: both, needsJournal: inRedis, play: playRedisPaused,
			about: "SIGSTOP and SIGCONT of Redis, for less and for more than acknowledgements wait",
			// Readiness says no, and phones keep what they have.
			settings: "journal:\n  redis:\n    timeout: 2s\n",
		},
	}
}

func playRedisKilled(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i := range 8 {
		if err := w.awaitMoreAcks(ctx, w.random.IntN(400)); err != nil {
			return err
		}
		w.pass(ctx, 50*time.Millisecond)
		if err := w.redis.stop("immediate"); err != nil {
			return err
		}
		killed := i%3 == 2
		if killed { // nobody is left who could write anything again
			w.kill()
		}
		w.pass(ctx, 2*time.Second)
		if err := w.redis.start(); err != nil {
			return err
		}
		if killed {
			if err := w.start(ctx); err != nil {
				return err
			}
		}
	}
	return w.awaitMoreAcks(ctx, 200)
}

func playRedisPaused(ctx context.Context, w *world) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i := range 4 {
		if err := w.awaitMoreAcks(ctx, w.random.IntN(400)); err != nil {
			return err
		}
		if err := w.redis.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		var err error
		if i%2 == 0 {
			w.pass(ctx, 1500*time.Millisecond)
		} else {
			err = w.awaitUnready(ctx, "journal is unavailable")
		}
		if err := errors.Join(err, w.redis.signal(syscall.SIGCONT)); err != nil {
			return err
		}
		if err := binary.Await(ctx, 30*time.Second, "the server is ready again", w.ready); err != nil {
			return err
		}
	}
	return w.awaitMoreAcks(ctx, 200)
}
