// Package crowd is thousands of phones in one process, for load tests and for
// proving that no acknowledged fix is lost. It speaks MQTT 3.1.1 by hand: a
// phone costs one goroutine, a socket and a few hundred bytes.
//
//	phones, err := crowd.ReadCredentials("creds.csv")
//	ledger, err := crowd.Run(ctx, crowd.Options{
//		Addr: "127.0.0.1:1883", Phones: phones, Rate: 500, Duration: time.Minute,
//	})
//	verdict, err := ledger.Check(func(employee string) ([]track.Fix, error) {
//		return everythingStoredOf("acme", employee)
//	})
//	fmt.Println(verdict)
//
// Each phone publishes OwnTracks locations with QoS 1, each with its own time
// and place, and keeps what is not acknowledged: after a lost connection it
// sends that again, with DUP, in order. So the server may be killed and started
// at will while the crowd is running.
package crowd
