// Package redis keeps the journal in a stream of Redis or Valkey, so that
// several machines can reach it. [Open] it, hand it to the broker and the bridge
// as a [journal.Journal], [Journal.Close] it at the end.
//
//	j, err := redis.Open(ctx, redis.Options{URL: "redis://127.0.0.1:6379/0", MaxBytes: 1 << 30})
//	if err != nil {
//		return err
//	}
//	defer j.Close()
//	seq, err := j.Append(ctx, record) // returns when Redis has synced it
//
// # Durability
//
// What an acknowledgement waits for is [Options.Durability] and
// [Options.Replicas]; the server is asked whether it does so, at the start and
// after each change of servers. All appends that wait share one write. A Redis
// that is away is waited for; then Append returns [journal.ErrUnavailable].
//
// DESIGN.md in this folder has the reasons, and what each setting can lose.
package redis
