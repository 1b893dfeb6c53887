// Package feed carries what has changed to everyone who watches: one ordered
// stream of [Event] a company, and a coalesced [Frame] a window.
//
//	hub := feed.NewHub(feed.Options{})
//	go hub.Run(ctx) // closes the windows
//	sub := hub.Subscribe("acme", 256)
//	defer sub.Close()
//	for e := range sub.Events() { … }
//
// # Order
//
// Events of a company arrive in the order of [Hub.Publish], and their Seq never
// goes down. One kind is excepted: a [track.Rejection] by the database becomes
// known late and carries the Seq of the message it stands for.
//
// # Loss
//
// Nobody who watches can hold up anybody else: when the channel of a
// [Subscription] is full, the event is lost for this subscription alone, and
// counted ([Subscription.Lost], fieldcast_feed_events_lost_total). Who watches
// frames learns of a loss from the frames themselves.
//
// # Following frames
//
// A reader that holds the state of a company as of seq have takes a frame so:
//
//   - Frame.Seq < have: it is older than what is here. Leave it.
//   - Frame.Prev > have: something was missed. Ask for what has changed after
//     have, or take everything anew.
//   - otherwise: put the rows in place of what is here; have = Frame.Seq.
package feed
