package dashboard

import (
	"context"
	"errors"
	"time"
	_ "time/tzdata" // zones by name, also where the system has none

	"fieldcast/track"
	"fieldcast/track/journey"
)

// Bounds of what is derived at a time. A phone that reports every second has
// 86,400 fixes a day.
const (
	mostDays        = 31
	mostTrackDays   = 7
	mostTrackFixes  = 100_000
	mostTrackPoints = 5_000
	fixesAtOnce     = 5_000
	derivingAtOnce  = 4 // requests; the others wait
)

type daysInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	From     string `query:"from" doc:"First day, or a moment in it." example:"2026-11-17"`
	To       string `query:"to" doc:"Last day, included; of a moment, the day that ends there or has it. Today if empty." example:"2026-11-23"`
	TZ       string `query:"tz" doc:"Time zone whose midnights part the days, by IANA name. UTC if empty." example:"Asia/Kolkata"`
}

// day is a day of a person in figures.
type day struct {
	Date      string    `json:"date" example:"2026-11-23"`
	From      time.Time `json:"from" doc:"The day's midnight."`
	To        time.Time `json:"to" doc:"The next one: days have 23 to 25 hours."`
	Fixes     int       `json:"fixes"`
	Ignored   int       `json:"ignored" doc:"Of the fixes: too inaccurate, or jumps."`
	FirstFix  time.Time `json:"first_fix,omitzero"`
	LastFix   time.Time `json:"last_fix,omitzero"`
	DistanceM float64   `json:"distance_m" doc:"Of all trips; gaps are not counted."`
	MovingS   float64   `json:"moving_s"`
	StoppedS  float64   `json:"stopped_s"`
	Trips     int       `json:"trips"`
	Stops     int       `json:"stops"`
	Gaps      int       `json:"gaps"`
	GapsS     float64   `json:"gaps_s"`
}

type daysOutput struct {
	Body struct {
		Company  string `json:"company"`
		Employee string `json:"employee"`
		TZ       string `json:"tz"`
		Days     []day  `json:"days" doc:"Oldest first, those without a fix included."`
	}
}

func (s *server) days(ctx context.Context, in *daysInput) (*daysOutput, error) {
	if err := s.readsPerson(ctx, in.Company, in.Employee); err != nil {
		return nil, s.fail(ctx, err)
	}
	zone, err := parseZone(in.TZ)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	midnights, err := in.midnights(zone, s.Now())
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &daysOutput{}
	out.Body.Company, out.Body.Employee, out.Body.TZ, out.Body.Days = in.Company, in.Employee, zone.String(), []day{}
	for i := range midnights[1:] {
		from, to := midnights[i], midnights[i+1]
		j, err := s.derive(ctx, track.FixFilter{Company: in.Company, Employee: in.Employee, From: from, To: to})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		out.Body.Days = append(out.Body.Days, figures(j, from, to))
	}
	return out, nil
}

func figures(j journey.Journey, from, to time.Time) day {
	d := day{
		Date: from.Format(time.DateOnly), From: from.UTC(), To: to.UTC(), Fixes: j.Fixes, Ignored: j.Ignored, FirstFix: j.First, LastFix: j.Last,
		DistanceM: decimetres(j.DistanceM), MovingS: j.Moving.Seconds(), StoppedS: j.Stopped.Seconds(),
	}
	for _, l := range j.Legs {
		switch l.Kind {
		case journey.Trip:
			d.Trips++
		case journey.Stop:
			d.Stops++
		case journey.Gap:
			d.Gaps++
			d.GapsS += l.Duration().Seconds()
		}
	}
	return d
}

// readsPerson returns nil if who asks may see where the person was, and there
// is one.
func (s *server) readsPerson(ctx context.Context, company, employee string) error {
	id, err := member(ctx, company, readers...)
	if err != nil {
		return err
	}
	if !maySee(id, company, employee) {
		return errNoEmployee
	}
	return s.mustExist(ctx, company, employee)
}

// midnights returns those that part the days, the last one included.
func (in *daysInput) midnights(zone *time.Location, now time.Time) ([]time.Time, error) {
	last, err1 := parseDay("to", in.To, now, zone, -time.Nanosecond)
	first, err2 := parseDay("from", in.From, last.AddDate(0, 0, -6), zone, 0)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if first.After(last) {
		return nil, track.Invalid("from", "%s must not be after to, %s", first.Format(time.DateOnly), last.Format(time.DateOnly))
	}
	var all []time.Time
	for i := 0; ; i++ {
		// time.Date knows the days that have no midnight, or two.
		m := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, zone)
		all = append(all, m)
		if m.After(last) {
			return all, nil
		}
		if i >= mostDays {
			return nil, track.Invalid("from", "to to are more than %d days: ask for a part of them", mostDays)
		}
	}
}

// parseDay reads a date, or a moment moved by some time; it returns the day's
// midnight.
func parseDay(field, s string, otherwise time.Time, zone *time.Location, moved time.Duration) (time.Time, error) {
	at := otherwise.In(zone)
	if s != "" {
		d, err := time.ParseInLocation(time.DateOnly, s, zone)
		if err != nil {
			moment, err := parseTime(field, s)
			if err != nil {
				return time.Time{}, track.Invalid(field, "%.40q is neither a day such as 2026-11-23 nor a time such as 2026-11-23T08:00:00Z", s)
			}
			d = moment.Add(moved).In(zone)
		}
		at = d
	}
	if y := at.Year(); y < 1970 || y > 9998 {
		return time.Time{}, track.Invalid(field, "the year %d is beyond what is kept", y)
	}
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone), nil
}

func parseZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" { // the server's own is nobody's business
		return nil, track.Invalid("tz", "%.40q is not a time zone such as Europe/Berlin", name)
	}
	return zone, nil
}

// derive reads fixes and makes the journey of them. Nothing of it is kept, so
// what arrives late is in the next answer.
func (s *server) derive(ctx context.Context, f track.FixFilter) (journey.Journey, error) {
	select {
	case s.deriving <- struct{}{}:
		defer func() { <-s.deriving }()
	case <-ctx.Done():
		return journey.Journey{}, ctx.Err()
	}
	var all []track.Fix
	f.Limit = fixesAtOnce
	for {
		page, next, err := s.Store.Fixes(ctx, f)
		if err != nil {
			return journey.Journey{}, err
		}
		all = append(all, page...)
		if len(all) > mostTrackFixes {
			return journey.Journey{}, track.Invalid("from", "to to have more than %d fixes: ask for a shorter time", mostTrackFixes)
		}
		if next == (track.FixCursor{}) {
			return journey.DefaultRules().Derive(all), nil
		}
		f.After = next
	}
}
