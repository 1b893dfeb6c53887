package crowd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"
)

// Phone is an employee's phone with the credentials that enrolment printed.
type Phone struct {
	Company  string
	Employee string
	Username string
	Password string
	ClientID string
}

// Options of [Run]. Addr, Phones and Rate are needed.
type Options struct {
	// Addr is the server's MQTT address, host:port.
	Addr string
	// Phones are those that take part.
	Phones []Phone
	// Rate is how many fixes a second all phones together publish, evenly. It
	// does not wait for acknowledgements.
	Rate float64
	// Eager lets each phone publish its next fix as soon as the last one is
	// acknowledged: as fast as the server goes. It needs a Duration or a Stop;
	// Rate is not used then.
	Eager bool
	// Duration is how long they publish; 0 is until Stop is closed or ctx is done.
	Duration time.Duration
	// Stop, if not nil, ends the publishing when it is closed. The phones stay
	// to get the rest acknowledged, as after Duration.
	Stop <-chan struct{}
	// Start is the time of the first fix by the phones' clocks; zero is now.
	// Their clocks run at normal speed.
	Start time.Time

	// ConnectWait is how long publishing waits for all phones to be connected;
	// 0 is 30 s. Then it begins with those that are.
	ConnectWait time.Duration
	// DrainWait is how long the phones stay after Duration to get the rest
	// acknowledged; 0 is 30 s.
	DrainWait time.Duration
	// KeepAlive is the MQTT keepalive; 0 is 60 s.
	KeepAlive time.Duration
	// AckWait is how long a phone waits for an acknowledgement before it
	// connects anew; 0 is 20 s.
	AckWait time.Duration
	// Inflight is how many publishes of a phone may wait for acknowledgement at
	// a time; 0 is 16. More wait in the phone.
	Inflight int
	// Repeat is how often each publish is written at once; 0 is 1. More, with
	// DUP from the second on, is what a phone does that believes in no network.
	Repeat int
	// Padding makes payloads longer by about this many bytes, in a key that no
	// server knows.
	Padding int
	// Dials is how many phones connect at the same time; 0 is 100.
	Dials int
	// Clean lets phones begin with a new session each time [MQTT 3.1.1, 3.1.2.4].
	Clean bool
	// Connected, if not nil, is called once, when the phones are connected and
	// have not published yet; Drained when they have published, before they
	// disconnect. The phones stay connected meanwhile.
	Connected, Drained func()
	// Dial opens a connection to Addr; nil is plain TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// Progress, if not nil, is called once a second.
	Progress func(Progress)
	// Logger gets lost and refused connections at debug level; nil discards them.
	Logger *slog.Logger
}

// Progress is how far a run is.
type Progress struct {
	Connected int   // phones
	Published int64 // fixes, sent or waiting in a phone
	Acked     int64
}

func (o Options) withDefaults() (Options, error) {
	var errs []error
	if o.Addr == "" {
		errs = append(errs, errors.New("an address is needed"))
	}
	if len(o.Phones) == 0 {
		errs = append(errs, errors.New("at least one phone is needed"))
	}
	if o.Eager && o.Duration == 0 && o.Stop == nil {
		errs = append(errs, errors.New("phones that are eager need a duration or a stop"))
	}
	if !o.Eager && (!(o.Rate > 0) || math.IsInf(o.Rate, 0)) {
		errs = append(errs, fmt.Errorf("the rate must be more than 0 fixes a second, not %v", o.Rate))
	}
	ids := make(map[string]bool, len(o.Phones))
	for _, p := range o.Phones {
		if ids[p.ClientID] || p.ClientID == "" {
			errs = append(errs, fmt.Errorf("the client id %q of %s is empty or used twice", p.ClientID, p.Username))
			break
		}
		ids[p.ClientID] = true
	}
	for _, d := range []*time.Duration{&o.ConnectWait, &o.DrainWait} {
		setDefault(d, 30*time.Second)
	}
	setDefault(&o.KeepAlive, time.Minute)
	setDefault(&o.AckWait, 20*time.Second)
	setDefault(&o.Inflight, 16)
	setDefault(&o.Repeat, 1)
	setDefault(&o.Dials, 100)
	if o.KeepAlive < time.Second || o.KeepAlive > math.MaxUint16*time.Second {
		errs = append(errs, fmt.Errorf("the keepalive must be between 1 s and 65535 s, not %v", o.KeepAlive))
	}
	if o.Inflight < 0 || o.Inflight > math.MaxUint16 || o.Dials < 0 || o.Duration < 0 || o.AckWait < 0 || o.Repeat < 0 || o.Padding < 0 {
		errs = append(errs, errors.New("numbers and durations must not be negative, and at most 65,535 publishes in flight"))
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(errs...)
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}
