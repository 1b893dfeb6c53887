package redis

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// The scripts: each changes both keys of a shard at once, or nothing, and only
// for the shard's owner. Their answer is a list that begins with a status.
var (
	//go:embed lua/claim.lua
	claimSource string
	//go:embed lua/beat.lua
	beatSource string
	//go:embed lua/append.lua
	appendSource string
	//go:embed lua/cut.lua
	cutSource string
	//go:embed lua/skip.lua
	skipSource string
	//go:embed lua/release.lua
	releaseSource string
	//go:embed lua/room.lua
	roomSource string

	claimScript   = redis.NewScript(claimSource)
	beatScript    = redis.NewScript(beatSource)
	appendScript  = redis.NewScript(appendSource)
	cutScript     = redis.NewScript(cutSource)
	skipScript    = redis.NewScript(skipSource)
	releaseScript = redis.NewScript(releaseSource)
	roomScript    = redis.NewScript(roomSource)
)

// What a script answers.
const (
	statusOK      = "OK"
	statusTaken   = "TAKEN"   // owner, beat, who: somebody else owns the shard
	statusVersion = "VERSION" // version: written by a newer program
	statusStray   = "STRAY"   // a log without its state
	statusFenced  = "FENCED"  // who: somebody else has taken the shard over
	statusLost    = "LOST"    // last number: Redis has forgotten what it had
	statusFull    = "FULL"    // total, cut: the group does not fit
)
