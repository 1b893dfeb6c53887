package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// bench is what the flags of bench say.
type bench struct {
	broker      string
	credentials string
	phones      int
	company     string
	rate        float64
	eager       bool
	duration    time.Duration
	idle        time.Duration
	clean       bool
	readers     int
	stalled     int
	filter      string
	token       string
	pid         int
	json        bool
}

func newBenchCommand(env *environment) *cobra.Command {
	var b bench
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Load from thousands of phones, and how a server bears it",
		Long: "Connects phones to an MQTT server, Fieldcast's or another, lets them publish with\n" +
			"QoS 1 and prints how long acknowledgements took, what a reader saw, and what the\n" +
			"server's process used. One process holds 15,000 phones and more, as far as the\n" +
			"system lets it have connections (ulimit -n).\n\n" +
			"  fieldcast employee add acme --count 10000 --prefix e --out creds.csv\n" +
			"  fieldcast bench --credentials creds.csv --rate 3333 --duration 30s",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := b.run(cmd.Context())
			if err != nil {
				return err
			}
			if b.json {
				return json.NewEncoder(env.stdout).Encode(report)
			}
			report.print(env.stdout)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.broker, "broker", "127.0.0.1:1883", "the server's MQTT address, host:port")
	f.StringVar(&b.credentials, "credentials", "", "file that employee add --out wrote; without it, phones have no passwords that mean anything")
	f.IntVar(&b.phones, "phones", 0, "how many phones; 0 is all of --credentials")
	f.StringVar(&b.company, "company", "bench", "company in the topics of phones without credentials")
	f.Float64Var(&b.rate, "rate", 100, "fixes a second of all phones together")
	f.BoolVar(&b.eager, "eager", false, "instead of a rate: each phone publishes when its last fix is acknowledged")
	f.DurationVar(&b.duration, "duration", 30*time.Second, "how long they publish")
	f.DurationVar(&b.idle, "idle", 3*time.Second, "how long they are connected before they publish")
	f.BoolVar(&b.clean, "clean", false, "phones begin with new sessions")
	f.IntVar(&b.readers, "readers", 0, "subscribers that note how old fixes are when they come")
	f.IntVar(&b.stalled, "stalled", 0, "subscribers, besides, that never read")
	f.StringVar(&b.filter, "filter", "", "what readers subscribe to, such as fc/acme/_live")
	f.StringVar(&b.token, "token", "-", "the readers' token, of fieldcast token")
	f.IntVar(&b.pid, "pid", 0, "the server's process, whose processor time and memory is shown (Linux)")
	f.BoolVar(&b.json, "json", false, "print JSON")
	return cmd
}

func (b *bench) check() error {
	switch {
	case b.credentials == "" && b.phones < 1:
		return track.Invalid("phones", "say how many, or --credentials FILE")
	case b.phones < 0:
		return track.Invalid("phones", "%d must not be negative", b.phones)
	case b.duration <= 0:
		return track.Invalid("duration", "%v must be positive", b.duration)
	case b.readers < 0 || b.stalled < 0:
		return track.Invalid("readers", "their number must not be negative")
	case b.readers+b.stalled > 0 && b.filter == "":
		return track.Invalid("filter", "say what the readers subscribe to")
	}
	return nil
}

// benchReport is what a run of bench measured. Times are milliseconds.
type benchReport struct {
	Phones    int     `json:"phones"`
	ConnectS  float64 `json:"connect_s"` // until all were connected
	Seconds   float64 `json:"seconds"`   // of publishing
	Published int     `json:"published"`
	Acked     int     `json:"acked"`
	PerSecond float64 `json:"per_s"` // acknowledged, until the last one was
	Lost      int     `json:"connections_lost"`
	Refused   int     `json:"connections_refused"`

	PubAck benchLatency  `json:"puback_ms"`
	Read   *benchReading `json:"read,omitempty"`

	Process *benchProcess `json:"process,omitempty"`
}

// benchLatency is a distribution in milliseconds.
type benchLatency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

type benchReading struct {
	Readers   int          `json:"readers"`
	Messages  int          `json:"messages"`
	Fixes     int          `json:"fixes"` // as phones publish them
	Age       benchLatency `json:"age_ms"`
	Changes   int          `json:"changes"` // in live frames
	ChangeAge benchLatency `json:"change_age_ms"`
}

// benchProcess is what the server used. Memory is that of the process and its
// children, in bytes.
type benchProcess struct {
	BytesBefore   int64   `json:"bytes_before"`
	BytesAPhone   int64   `json:"bytes_a_phone"` // idle
	BytesAfter    int64   `json:"bytes_after"`
	MicrosAFix    float64 `json:"cpu_us_a_fix"`
	IdleProcessor float64 `json:"cpu_idle_pct"` // of a core, while all were connected and nobody published
}

func (b *bench) run(ctx context.Context) (*benchReport, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	phones, err := b.crew()
	if err != nil {
		return nil, err
	}
	meter := &meter{pid: b.pid}
	meter.read(&meter.before)
	readers, err := b.subscribe(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var connected, idle, drained time.Time
	ledger, err := crowd.Run(ctx, crowd.Options{
		Addr: b.broker, Phones: phones, Rate: b.rate, Eager: b.eager, Duration: b.duration, Clean: b.clean,
		Inflight: b.inflight(), ConnectWait: 5 * time.Minute, KeepAlive: 5 * time.Minute,
		Connected: func() {
			connected = time.Now()
			meter.read(&meter.connected)
			pause(ctx, b.idle)
			idle = time.Now()
			meter.read(&meter.idle)
		},
		Drained: func() {
			drained = time.Now()
			meter.read(&meter.after)
			if b.readers > 0 {
				pause(ctx, lastFrames)
			}
		},
	})
	seen, readErr := readers.end()
	if err := errors.Join(err, meter.err, readErr); err != nil {
		return nil, err
	}
	r := reportOf(ledger)
	r.Phones, r.ConnectS = len(phones), connected.Sub(began).Seconds()
	r.PerSecond = float64(ledger.Acked) / drained.Sub(idle).Seconds()
	if b.pid != 0 {
		r.Process = meter.report(len(phones), ledger.Acked, idle.Sub(connected))
	}
	if b.readers > 0 {
		r.Read = &benchReading{
			Readers: b.readers, Messages: seen.Messages,
			Fixes: seen.Fixes, Age: latencyOf(seen.Age), Changes: seen.Changes, ChangeAge: latencyOf(seen.ChangeAge),
		}
	}
	return r, nil
}

// inflight is one for phones that wait for each acknowledgement.
func (b *bench) inflight() int {
	if b.eager {
		return 1
	}
	return 0
}

func (b *bench) crew() ([]crowd.Phone, error) {
	if b.credentials == "" {
		phones := make([]crowd.Phone, b.phones)
		for i := range phones {
			id := fmt.Sprintf("e%d", i+1)
			phones[i] = crowd.Phone{Company: b.company, Employee: id, Username: id + "@" + b.company, Password: "-", ClientID: b.company + "-" + id}
		}
		return phones, nil
	}
	phones, err := crowd.ReadCredentials(b.credentials)
	if err != nil {
		return nil, err
	}
	if b.phones > len(phones) {
		return nil, track.Invalid("phones", "%d, but the file has only %d", b.phones, len(phones))
	}
	if b.phones > 0 {
		phones = phones[:b.phones]
	}
	return phones, nil
}

// lastFrames is how long readers wait for what is under way in the end; live
// frames gather changes for a quarter of a second.
const lastFrames = time.Second

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func reportOf(l *crowd.Ledger) *benchReport {
	return &benchReport{
		Seconds: l.Took.Seconds(), Published: l.Published, Acked: l.Acked,
		Lost: l.Losses, Refused: l.Refusals, PubAck: latencyOf(l.Latency),
	}
}

func latencyOf(l crowd.Latency) benchLatency {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return benchLatency{P50: ms(l.P50), P99: ms(l.P99), P999: ms(l.P999), Max: ms(l.Max)}
}

func (r *benchReport) print(w io.Writer) {
	fmt.Fprintf(w, "%d phones connected within %.1f s; %d connections lost, %d refused\n", r.Phones, r.ConnectS, r.Lost, r.Refused)
	fmt.Fprintf(w, "%d fixes published in %.1f s, %d acknowledged, %.0f a second\n", r.Published, r.Seconds, r.Acked, r.PerSecond)
	fmt.Fprintf(w, "acknowledgement: %s\n", r.PubAck)
	if p := r.Process; p != nil {
		fmt.Fprintf(w, "the server: %.0f µs of processor a fix, %.1f kB a phone that is idle, %.0f MB in the end\n",
			p.MicrosAFix, float64(p.BytesAPhone)/1e3, float64(p.BytesAfter)/1e6)
	}
	if d := r.Read; d != nil {
		fmt.Fprintf(w, "%d readers, %d messages\n", d.Readers, d.Messages)
		if d.Fixes > 0 {
			fmt.Fprintf(w, "%d fixes, aged %s\n", d.Fixes, d.Age)
		}
		if d.Changes > 0 {
			fmt.Fprintf(w, "%d changes in live frames, aged %s\n", d.Changes, d.ChangeAge)
		}
	}
}

// String says it in milliseconds.
func (l benchLatency) String() string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, longest %.1f ms", l.P50, l.P99, l.P999, l.Max)
}
