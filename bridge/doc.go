// Package bridge reads the journal and makes of it what people see and what
// the database keeps.
//
//	b, err := bridge.New(bridge.Options{Journal: j, Store: s, Feed: hub, Limits: track.DefaultLimits()})
//	err = b.Start(ctx)                // the table of last-known positions is warm now
//	positions := b.Positions("acme")  // from memory
//	err = b.Close(ctx)                // commits what is in the journal still
//
// Two followers read the same journal, each in order. The live one is always at
// its end: it judges each fix, keeps the last-known positions, and tells the
// feed. The committing one writes batches to the database, and waits for it
// when it is away, which the live one never does. Both come to the same
// verdicts, because they follow the same pure rules from the same state; see
// DESIGN.md in this folder for why it is so.
package bridge
