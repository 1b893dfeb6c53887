package dashboard

import (
	"context"
	"time"

	"fieldcast/track"
)

type companyInput struct {
	Company string `path:"company"`
}

// employee is a person in the list, whether they have ever reported or not.
type employee struct {
	ID            string              `json:"id"`
	Name          string              `json:"name"`
	Team          string              `json:"team,omitempty"`
	State         track.State         `json:"state"`
	Presence      track.PresenceState `json:"presence"`
	PresenceSince time.Time           `json:"presence_since,omitzero"`
	RecordedAt    time.Time           `json:"recorded_at,omitzero" doc:"Time of the last-known fix."`
	BatteryPct    track.Optional[int] `json:"battery_pct,omitzero"`
}

type employeesOutput struct {
	Body struct {
		Company   string     `json:"company"`
		Seq       uint64     `json:"seq"`
		At        time.Time  `json:"at"`
		Employees []employee `json:"employees"`
	}
}

func (s *server) employees(ctx context.Context, in *companyInput) (*employeesOutput, error) {
	id, err := member(ctx, in.Company, readers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	seq := s.People.Seq(in.Company)
	listed, err := s.Store.Employees(ctx, in.Company)
	if err != nil {
		return nil, s.fail(ctx, hideCompany(err))
	}
	presence := s.People.Presence(in.Company)
	out := &employeesOutput{}
	out.Body.Company, out.Body.Seq, out.Body.At = in.Company, seq, s.Now().UTC()
	out.Body.Employees = []employee{}
	for _, e := range listed {
		if !maySee(id, in.Company, e.ID) {
			continue
		}
		row := employee{ID: e.ID, Name: e.Name, Team: e.Team, State: track.StateNever, Presence: track.Offline}
		if p, ok := s.People.Position(in.Company, e.ID); ok {
			row.State, row.RecordedAt, row.BatteryPct = p.State, p.RecordedAt, p.BatteryPct
		}
		if p, ok := presence[e.ID]; ok {
			row.Presence, row.PresenceSince = p.State, p.Since
		}
		out.Body.Employees = append(out.Body.Employees, row)
	}
	return out, nil
}

type statsOutput struct {
	Body track.Stats
}

func (s *server) stats(ctx context.Context, in *companyInput) (*statsOutput, error) {
	if _, err := member(ctx, in.Company, readers...); err != nil {
		return nil, s.fail(ctx, err)
	}
	stats, err := s.Store.Stats(ctx, in.Company)
	if err != nil {
		return nil, s.fail(ctx, hideCompany(err))
	}
	return &statsOutput{Body: stats}, nil
}
