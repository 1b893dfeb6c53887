// Package track holds the terms of the field and the rules that every other
// room obeys: a [Fix] is where a phone says it was, a [Position] is the newest
// plausible fix of a person, a [Presence] is whether the phone is connected.
// [Allow] decides who may do what on which topic, [Limits.Judge] marks fixes
// that are hard to believe, and [Store] is the contract of the databases.
//
// The package imports the standard library only, does no I/O, starts no
// goroutine and keeps no state. Everything in it is safe for concurrent use,
// as long as a value is not changed while another goroutine reads it.
//
// # Units
//
// Angles are degrees (WGS 84), lengths metres, speeds metres a second, times
// UTC. A unit stands in the name of a field where it is not obvious. What a
// phone did not say is unknown ([Optional]), never zero.
package track
