// Package simulate plays phones: [Run] connects each as an MQTT client of its
// own, as the OwnTracks app does, and publishes where it is until its context
// ends. People walk and drive through a made-up town ([Walk]), or a recorded
// track ([ReadTrack]) is replayed.
//
//	report, err := simulate.Run(ctx, simulate.Options{
//		Broker: "tcp://127.0.0.1:1883",
//		Phones: phones,
//	})
//
// # Delivery
//
// A phone keeps each fix in a queue of its own, in order, until the broker has
// acknowledged it, and sends what is left again after each reconnect. It never
// relies on the queue of the MQTT library, whose tokens complete after a
// reconnect although nothing is known about the delivery.
package simulate
