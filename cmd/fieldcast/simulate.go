package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"fieldcast/identity"
	"fieldcast/simulate"
	"fieldcast/track"
)

// simulation is what the flags of simulate say.
type simulation struct {
	company  string
	count    int
	prefix   string
	interval time.Duration
	traces   []string
	original bool
	broker   string
	speedup  float64
	seed     int64
	history  time.Duration // of the past, sent as a backlog first
	teams    []string      // people join them in turn
}

func newSimulateCommand(env *environment) *cobra.Command {
	var sim simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Phones that speak real MQTT to a running server",
		Long: "Enrols simulated people in a company and lets them walk and drive, or replays\n" +
			"recorded tracks (GPX, or e-mission JSON). Every phone is a real MQTT client with\n" +
			"credentials of its own. Runs until it is stopped, or the tracks have ended.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opened, err := env.open(cmd)
			if err != nil {
				return err
			}
			if err := sim.check(); err != nil {
				return errors.Join(err, opened.Close())
			}
			phones, err := sim.enrol(cmd.Context(), opened.Store, opened.Identity)
			if err := errors.Join(err, opened.Close()); err != nil {
				return err
			}
			report, err := sim.run(cmd.Context(), phones, env.logger(opened.Config))
			fmt.Fprintf(env.stdout, "%d phones sent %d fixes, %d acknowledged\n", len(phones), report.Sent, report.Acked)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&sim.company, "company", "demo", "company of the people; made if it is not there")
	f.IntVar(&sim.count, "count", 25, "how many people")
	f.StringVar(&sim.prefix, "prefix", "e", "start of their ids")
	f.DurationVar(&sim.interval, "interval", 30*time.Second, "time between two fixes of a phone")
	f.StringArrayVar(&sim.traces, "trace", nil, "replay this recorded track, one phone each (repeatable)")
	f.BoolVar(&sim.original, "original-times", false, "replay tracks with the times they were recorded at")
	f.StringVar(&sim.broker, "broker", "tcp://127.0.0.1:1883", "where the server listens: tcp:// or ws://HOST:PORT/mqtt")
	f.Float64Var(&sim.speedup, "speedup", 1, "let recorded tracks pass this many times faster")
	f.Int64Var(&sim.seed, "seed", 1, "same seed, same movements")
	return cmd
}

func (s *simulation) check() error {
	switch {
	case s.count < 1 || s.count > 5000:
		return track.Invalid("count", "%d must be between 1 and 5000", s.count)
	case s.interval < time.Second:
		return track.Invalid("interval", "%v must be at least 1s", s.interval)
	case s.speedup <= 0:
		return track.Invalid("speedup", "%v must be positive", s.speedup)
	}
	return track.CheckCompany(s.company)
}

// enrol makes sure that the company and its people exist, and issues
// credentials that are valid for this run.
func (s *simulation) enrol(ctx context.Context, store track.Store, ids *identity.Service) ([]simulate.Phone, error) {
	tracks, err := s.readTraces()
	if err != nil {
		return nil, err
	}
	count := s.count
	if len(tracks) > 0 {
		count = len(tracks)
	}
	err = store.AddCompany(ctx, track.Company{ID: s.company, Name: "Demo company"})
	if err != nil && !errors.Is(err, track.ErrExists) {
		return nil, err
	}
	names := simulate.Names(count, s.seed)
	employees := make([]string, count)
	for i := range employees {
		employees[i] = fmt.Sprintf("%s%d", s.prefix, i+1)
		err := store.AddEmployees(ctx, s.company, []track.Employee{{ID: employees[i], Name: names[i], Team: s.team(i)}})
		if err != nil && !errors.Is(err, track.ErrExists) {
			return nil, err
		}
	}
	credentials, err := ids.IssueDevices(ctx, s.company, employees, 30*24*time.Hour)
	if err != nil {
		return nil, err
	}
	phones := make([]simulate.Phone, count)
	for i, c := range credentials {
		phones[i] = simulate.Phone{
			Company: s.company, Employee: c.Employee, Name: names[i],
			Username: c.Username, Password: c.Password, ClientID: c.ClientID,
		}
		if len(tracks) > 0 {
			phones[i].Track = tracks[i]
		}
	}
	return phones, nil
}

// team is that of the i-th person, if there are teams.
func (s *simulation) team(i int) string {
	if len(s.teams) == 0 {
		return ""
	}
	return s.teams[i%len(s.teams)]
}

func (s *simulation) readTraces() ([][]track.Fix, error) {
	var tracks [][]track.Fix
	for _, path := range s.traces {
		t, err := simulate.ReadTrack(path)
		if err != nil {
			return nil, err
		}
		tracks = append(tracks, t)
	}
	return tracks, nil
}

func (s *simulation) run(ctx context.Context, phones []simulate.Phone, log *slog.Logger) (simulate.Report, error) {
	return simulate.Run(ctx, simulate.Options{
		Broker:        s.broker,
		Phones:        phones,
		Interval:      s.interval,
		Speedup:       s.speedup,
		OriginalTimes: s.original,
		Seed:          s.seed,
		History:       s.history,
		Logger:        log.With("component", "simulate"),
	})
}
