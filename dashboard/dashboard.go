package dashboard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fieldcast/feed"
	"fieldcast/identity"
	"fieldcast/track"
)

// Store is what the dashboard reads of the database.
type Store interface {
	Companies(ctx context.Context) ([]track.Company, error)
	Employees(ctx context.Context, company string) ([]track.Employee, error)
	User(ctx context.Context, email string) (track.User, error)
	Fixes(ctx context.Context, f track.FixFilter) ([]track.Fix, track.FixCursor, error)
	Rejections(ctx context.Context, company string, before uint64, limit int) ([]track.Rejection, error)
	Stats(ctx context.Context, company string) (track.Stats, error)
	track.Shares
}

// People knows where everybody is; the bridge.
type People interface {
	Positions(company string) []track.Position
	Position(company, employee string) (track.Position, bool)
	Presence(company string) map[string]track.Presence
	After(company string, seq uint64) (changed []track.Position, now uint64, ok bool)
	Seq(company string) uint64
}

// Changes tells what changes while somebody watches; feed.Hub.
type Changes interface {
	SubscribeFrames(company string, size int) *feed.Subscription
}

// Identities proves who asks; identity.Service.
type Identities interface {
	OnRevoke(f func(tokenIDs []string))
	Login(ctx context.Context, email, password string) (identity.Session, error)
	Access(ctx context.Context, cookie string) (identity.Access, error)
	Verify(token string) (track.Identity, error)
}

// Check is a part that readiness asks. Status returns nil when it is well.
type Check struct {
	Name   string
	Status func() error
}

// Options configures the handler. Store, People, Changes, Identities, MQTT and
// Logger are required.
type Options struct {
	Store      Store
	People     People
	Changes    Changes
	Identities Identities
	MQTT       http.Handler // mounted at /mqtt
	Ready      []Check
	// BehindTLS says that browsers come by TLS, through a proxy: cookies are
	// marked Secure.
	BehindTLS bool
	// MapStyle is empty, or a street map: "pmtiles:FILE", which is served, or
	// "style:URL" or "raster:URL-TEMPLATE", which browsers load from there.
	MapStyle       string
	MapAttribution string
	MapHosts       []string // origins that a style loads from, besides its own
	Version        string
	Logger         *slog.Logger
	Registerer     prometheus.Registerer
	Now            func() time.Time
	// Streams bounds those who watch; zero fields are the defaults.
	Streams StreamLimits
	// Stopping is closed when the server is about to stop, so that answers
	// that have no end come to one. Nil: never.
	Stopping <-chan struct{}
}

// server is what the handlers share.
type server struct {
	Options
	snapshots  snapshots
	watchers   *watchers
	frames     frames
	deriving   chan struct{} // holds one for each request that derives
	guesses    guesses
	shareReads *prometheus.CounterVec
}

// New returns the handler of the whole web side. It serves as long as the
// parts in o do, and starts no goroutine of its own.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.People == nil || o.Changes == nil || o.Identities == nil || o.MQTT == nil || o.Logger == nil {
		return nil, errors.New("dashboard: Store, People, Changes, Identities, MQTT and Logger are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Streams = o.Streams.orDefault()
	s := &server{Options: o, watchers: newWatchers(o.Streams, o.Registerer), deriving: make(chan struct{}, derivingAtOnce)}
	s.shareReads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fieldcast_share_reads_total", Help: "Requests by links to a person's position, by result.",
	}, []string{"result"})
	if o.Registerer != nil {
		o.Registerer.MustRegister(s.shareReads)
	}
	o.Identities.OnRevoke(s.watchers.revoke)
	routes := http.NewServeMux()
	s.routeAPI(routes)
	s.routeHealth(routes)
	s.routeStreets(routes)
	if err := s.routeApp(routes); err != nil {
		return nil, err
	}
	web, err := s.middleware(routes)
	if err != nil {
		return nil, err
	}
	// A web socket takes the connection over, which compression and the rest
	// would be in the way of.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mqtt" {
			o.MQTT.ServeHTTP(w, r)
			return
		}
		web.ServeHTTP(w, r)
	}), nil
}
