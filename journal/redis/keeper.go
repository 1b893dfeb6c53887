package redis

import (
	"context"
	"time"
)

// keep beats once a second until the journal is closed: so that no other
// process takes the shard for abandoned, and so that readiness knows how Redis
// is while nobody publishes. It only watches; what is to be done, the writer
// does.
func (j *Journal) keep() {
	defer j.beating.Done()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for checked := time.Now(); ; {
		select {
		case <-j.ctx.Done():
			return
		case <-tick.C:
		}
		if j.Err() != nil {
			return
		}
		j.watch()
		if time.Since(checked) > checkEvery {
			checked = time.Now()
			j.lookAtSettings()
		}
	}
}

// watch makes one beat and draws the conclusions.
func (j *Journal) watch() {
	j.mu.Lock()
	known, full, confirm := j.place.last, j.full, j.confirm
	j.mu.Unlock()
	at, err := j.beat(j.ctx, confirm)
	switch {
	case ended(j.ctx):
		return
	case err != nil && !away(err):
		j.fail(err)
		return
	}
	j.note(beating, err)
	if err != nil {
		return
	}
	if full != nil {
		_, err := j.client.run(j.ctx, roomScript, confirmation{})
		if err == nil {
			j.fullOfMemory(nil)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.holdCut = false
	// What the writer is about to append is behind known; what is missing before
	// it, Redis has lost.
	j.recover = j.recover || at.last < known || j.trouble[appending] != nil && len(j.pending) == 0
	j.work.Broadcast()
}

// lookAtSettings notices that somebody has made Redis keep less than before.
func (j *Journal) lookAtSettings() {
	ctx, cancel := context.WithTimeout(j.ctx, attemptTimeout)
	defer cancel()
	confirm, err := j.examine(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil && !ended(j.ctx) || err == nil && confirm != j.confirm {
		j.stale, j.recover = true, true // the writer finds the same, and acknowledges nothing
		j.work.Broadcast()
	}
}
