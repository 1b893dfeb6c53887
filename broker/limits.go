package broker

import "time"

// Limits bound what one client, and all of them together, can take. The zero
// value of a field means its default.
type Limits struct {
	Connections            int           // in all
	ConnectionsPerAddress  int           // 0: no limit; many phones share the address of their carrier
	ConnectionsPerCompany  int           // 0: no limit
	AcceptsPerSecond       int           // who comes faster waits
	AcceptsPerAddress      int           // a second; 0: no limit
	HalfOpen               int           // connections that have not logged in yet; past it the oldest is closed
	ConnectTimeout         time.Duration // from accept to the end of CONNECT
	ConnectBytes           int           // size of the first packet, and of any but a phone's PUBLISH; larger ones close the connection
	PacketBytes            int           // size of a phone's PUBLISH; of a larger one the beginning is kept as rejected
	PayloadBytes           int           // size of a message that is read; larger ones are kept as rejected
	PendingBytes           int           // what may wait for a slow reader before it is cut off
	StallTimeout           time.Duration // how long a reader may take nothing at all
	KeepAliveMin           time.Duration
	KeepAliveMax           time.Duration // for MQTT 5, which is told; others get KeepAliveMaxV3
	KeepAliveMaxV3         time.Duration
	Subscriptions          int           // of one client
	SessionsPerIdentity    int           // client ids that one phone's credentials may use
	ConnectionsPerIdentity int           // connections of one user or program
	SessionExpiry          time.Duration // how long commands wait for a phone that is away
	PublishesPerSecond     int           // of one phone; what comes faster is held up
	PublishBurst           int           // a backlog that comes at once
	PublishPatience        time.Duration // after being held up for so long without a pause, a phone is disconnected
	Inflight               int           // QoS 1 messages to one client without its PUBACK
	UnackedBytes           int           // of those, and of what waits behind them
}

// DefaultLimits returns limits for a hundred thousand phones on one machine.
func DefaultLimits() Limits {
	return Limits{
		Connections: 100_000,
		// A hundred thousand phones are back within a minute.
		AcceptsPerSecond: 2000,
		HalfOpen:         4096,
		ConnectTimeout:   10 * time.Second,
		ConnectBytes:     64 << 10,
		PacketBytes:      1 << 20,
		PayloadBytes:     256 << 10,
		PendingBytes:     1 << 20,
		StallTimeout:     20 * time.Second,
		KeepAliveMin:     15 * time.Second,
		KeepAliveMax:     15 * time.Minute,
		// OwnTracks on Android asks for an hour by default, speaks MQTT 3.1 and
		// cannot be told otherwise: less would cut it off between two pings.
		KeepAliveMaxV3:         time.Hour,
		Subscriptions:          64,
		SessionsPerIdentity:    4,
		ConnectionsPerIdentity: 256,
		SessionExpiry:          7 * 24 * time.Hour,
		// A phone has one fix a second at most to tell; what it kept while it was
		// away may come fast.
		PublishesPerSecond: 100,
		PublishBurst:       1000,
		PublishPatience:    5 * time.Minute,
		Inflight:           1024,
		// Some three thousand positions: a second of a hundred thousand phones.
		UnackedBytes: 4 << 20,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		value    *int
		fallback int
	}{
		{&l.Connections, d.Connections}, {&l.HalfOpen, d.HalfOpen}, {&l.ConnectBytes, d.ConnectBytes}, {&l.PacketBytes, d.PacketBytes},
		{&l.PayloadBytes, d.PayloadBytes}, {&l.PendingBytes, d.PendingBytes}, {&l.Subscriptions, d.Subscriptions},
		{&l.SessionsPerIdentity, d.SessionsPerIdentity}, {&l.ConnectionsPerIdentity, d.ConnectionsPerIdentity}, {&l.Inflight, d.Inflight}, {&l.UnackedBytes, d.UnackedBytes},
		{&l.AcceptsPerSecond, d.AcceptsPerSecond}, {&l.PublishesPerSecond, d.PublishesPerSecond}, {&l.PublishBurst, d.PublishBurst},
	} {
		if *f.value <= 0 {
			*f.value = f.fallback
		}
	}
	for _, f := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&l.ConnectTimeout, d.ConnectTimeout}, {&l.StallTimeout, d.StallTimeout}, {&l.KeepAliveMin, d.KeepAliveMin},
		{&l.KeepAliveMax, d.KeepAliveMax}, {&l.KeepAliveMaxV3, d.KeepAliveMaxV3}, {&l.SessionExpiry, d.SessionExpiry},
		{&l.PublishPatience, d.PublishPatience},
	} {
		if *f.value <= 0 {
			*f.value = f.fallback
		}
	}
	l.Inflight = min(l.Inflight, maxInflight)
	return l
}

// maxInflight leaves packet ids free: see firstID.
const maxInflight = 1 << 14
