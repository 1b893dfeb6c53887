package simulate

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/track"
)

// Formats of what a phone publishes.
const (
	FormatOwnTracks = "owntracks" // a JSON message for each fix
	FormatBatch     = "batch"     // Fieldcast batches of all that waits
	FormatMixed     = "mixed"     // JSON, but a backlog as batches
)

// Options say what [Run] plays. Broker and Phones are needed; the zero value
// of everything else means what its comment says.
type Options struct {
	Broker string // tcp://host:port, tls://host:port, ws://host:port/mqtt or wss://…
	Phones []Phone

	// Interval is the time between two fixes of a phone that moves. One that
	// stands sends every second time. 0: 30 s. Recorded tracks keep their own.
	Interval time.Duration
	// Speedup lets recorded tracks, and walks, pass this many times faster. 0: 1.
	Speedup float64
	// OriginalTimes replays recorded tracks with the times they were recorded
	// at, instead of as if they happened now.
	OriginalTimes bool
	Format        string // 0: [FormatOwnTracks]
	Seed          int64  // same seed, same movements
	Center        Place  // middle of the town. 0: Bengaluru
	// OfflineEvery is the mean time between spells without coverage, in which
	// a phone collects a backlog. 0: 40 min; negative: never.
	OfflineEvery time.Duration
	// History is how much of the past phones that walk deliver first, as a
	// backlog, so that a demo has trails to show. 0: none.
	History time.Duration
	Retry   time.Duration // first wait after a failed connection; doubles up to 30 s. 0: 1 s

	Logger     *slog.Logger          // nil: no logging
	Registerer prometheus.Registerer // nil: no metrics
}

// Phone is a phone to play. The credentials are those of the employee.
type Phone struct {
	Company, Employee            string
	Name                         string // for logs
	Username, Password, ClientID string
	Track                        []track.Fix // a recorded track; nil: a [Walk]
}

// Place is a point on Earth, in degrees.
type Place struct{ Lat, Lon float64 }

// Report counts what the phones did.
type Report struct {
	Sent          int64 // different fixes that were handed to a connection
	Acked         int64 // fixes that the broker acknowledged
	Resent        int64 // fixes that were handed over again, counted each time
	Dropped       int64 // fixes that did not fit into a phone's queue
	Pending       int64 // fixes not acknowledged at the end
	Connects      int64 // connections that the broker accepted
	Failures      int64 // attempts to connect that failed, and connections that broke
	OfflineSpells int64 // times that a phone was without coverage
}

// bengaluru is where the people of a demo live.
var bengaluru = Place{Lat: 12.97162, Lon: 77.59456}

// withDefaults returns o complete, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	if o.Interval == 0 {
		o.Interval = 30 * time.Second
	}
	if o.Speedup == 0 {
		o.Speedup = 1
	}
	if o.Format == "" {
		o.Format = FormatOwnTracks
	}
	if o.Center == (Place{}) {
		o.Center = bengaluru
	}
	if o.OfflineEvery == 0 {
		o.OfflineEvery = 40 * time.Minute
	}
	if o.Retry == 0 {
		o.Retry = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, o.check()
}

func (o Options) check() error {
	u, err := url.Parse(o.Broker)
	if err != nil || u.Host == "" || !slices.Contains([]string{"tcp", "tls", "ws", "wss"}, u.Scheme) {
		return track.Invalid("broker", "%q must be tcp://host:port, tls://host:port, ws://host:port/mqtt or wss://host/mqtt", o.Broker)
	}
	if o.Interval < 0 || o.Speedup < 0 || o.Retry < 0 || o.History < 0 {
		return track.Invalid("options", "interval, speedup, retry and history must be positive")
	}
	if !slices.Contains([]string{FormatOwnTracks, FormatBatch, FormatMixed}, o.Format) {
		return track.Invalid("format", "%q must be %s, %s or %s", o.Format, FormatOwnTracks, FormatBatch, FormatMixed)
	}
	if o.Center.Lat < -80 || o.Center.Lat > 80 || o.Center.Lon < -180 || o.Center.Lon > 180 {
		return track.Invalid("center", "%v must lie between 80° south and 80° north", o.Center)
	}
	for i, p := range o.Phones {
		if err := track.CheckCompany(p.Company); err != nil {
			return fmt.Errorf("phone %d: %w", i+1, err)
		}
		if err := track.CheckEmployee(p.Employee); err != nil {
			return fmt.Errorf("phone %d: %w", i+1, err)
		}
	}
	return nil
}
