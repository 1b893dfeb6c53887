// Package broker is the front door for MQTT: phones publish, managers and
// programs subscribe. The protocol is mochi's; the door is ours. Call [New],
// [Server.Start], [Server.Listen], and mount the server as an http.Handler
// at /mqtt for MQTT over WebSocket.
//
// What a phone publishes is in the journal, on disk, before it is acknowledged.
// The package never reads the database: last-known positions come from the
// bridge's table, changes from the feed.
//
// # The guarded door
//
// Every connection is wrapped in a conn of ours. Its Write never blocks, so
// that nobody can hold up who writes to them; its first packet must be a small
// CONNECT that arrives in time; a panic in its handling ends that connection
// alone. One hook decides all else: who somebody is, what they may do
// (track.Allow, default deny), and what becomes of a publish.
//
// # Delivery
//
// What subscribers get does not go through mochi's queues, which drop what does
// not fit, QoS 1 included, stall at a Receive Maximum, and mix up the packet ids
// of both directions. Each client has an outbox of ours: one order for snapshot
// and feed, a window of unacknowledged messages, and an end with a reason for
// whoever does not keep up.
package broker
