package redis

import (
	"context"
	"errors"
	"fmt"

	"fieldcast/journal"

	"github.com/redis/go-redis/v9"
)

var (
	// errAnswer: a script has answered what it never answers.
	errAnswer = errors.New("this is not the answer of the journal's script")
	// errWeak: the server keeps less than is asked for.
	errWeak = errors.New("redis keeps less than is configured")
	// errNotPrimary: the server takes no writes, because it is a replica.
	errNotPrimary = errors.New("redis takes no writes")
	// errForgotten: Redis has lost what it had.
	errForgotten = errors.New("redis has forgotten records")
	// errFinal: no waiting mends it.
	errFinal = errors.New("the journal cannot go on")
	// errUnconfirmed: not enough replicas, or no fsync, in time.
	errUnconfirmed = errors.New("redis has not confirmed in time")
)

// passing are the first words of errors of a server that will take writes
// again by itself, or by its operator: while it starts, fails over, moves a
// slot, is busy, has no replicas or cannot write its files, or refuses us.
var passing = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED",
	"NOAUTH", "WRONGPASS", "NOPERM", "max number of clients", "FAILOVER",
}

// refusing are those that no waiting mends when a server has just been
// configured.
var refusing = []string{"NOAUTH", "WRONGPASS", "NOPERM"}

// away reports whether an error says that Redis is away for now: whether the
// write has happened is not known, and trying again is of use. What no server
// has answered is of that kind: time-outs, lost connections, no primary.
func away(err error) bool {
	if err == nil || errors.Is(err, errAnswer) || errors.Is(err, errFinal) {
		return false
	}
	var answered redis.Error
	if !errors.As(err, &answered) {
		return true
	}
	return hasPrefix(err, passing)
}

// outOfMemory reports whether Redis has refused a write for its maxmemory.
func outOfMemory(err error) bool { return redis.HasErrorPrefix(err, "OOM") }

func hasPrefix(err error, prefixes []string) bool {
	for _, p := range prefixes {
		if redis.HasErrorPrefix(err, p) {
			return true
		}
	}
	return false
}

// ended reports whether ctx has ended, for calls whose error may come from a
// shorter limit of their own.
func ended(ctx context.Context) bool { return ctx.Err() != nil }

// refused turns an answer that is not OK into the error that it is.
func refused(a answer) error {
	switch a.status {
	case statusLost:
		return errForgotten
	case statusFenced:
		return fmt.Errorf("%w: another process has taken it over: %q", errFinal, a.at(0))
	case statusStray:
		return fmt.Errorf("%w: %w: it has the records of a journal without what belongs to them", errFinal, journal.ErrCorrupt)
	case statusVersion:
		return fmt.Errorf("%w: the journal was written by a newer program (version %s)", errFinal, a.at(0))
	}
	return fmt.Errorf("%w: %s", errAnswer, a.status)
}
