package enrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

// MaxPeople is the most people that are added at once.
const MaxPeople = 100_000

// Store is the part of [track.Store] that enrolment needs.
type Store interface {
	track.Directory
	track.Tokens
}

// Issuer signs the credentials of phones; [identity.Service] does it.
type Issuer interface {
	IssueDevices(ctx context.Context, company string, employees []string, ttl time.Duration) ([]identity.Credential, error)
}

// ErrNoCredentials: people were added, but the credentials of their phones
// could not be issued. [Desk.Reissue] does that later.
var ErrNoCredentials = errors.New("added without credentials")

// MissingError is a [track.ErrNotFound] that tells what is not there.
type MissingError struct {
	Company  string
	Employee string // empty: the company is not there
}

// Error names what is missing.
func (e *MissingError) Error() string {
	if e.Employee == "" {
		return fmt.Sprintf("company %s does not exist", e.Company)
	}
	return fmt.Sprintf("employee %s of %s does not exist", e.Employee, e.Company)
}

// Unwrap returns [track.ErrNotFound].
func (e *MissingError) Unwrap() error { return track.ErrNotFound }

// TakenError is a [track.ErrExists] that tells what is there already.
type TakenError struct {
	Company  string
	Employee string // empty: the company
}

// Error names what exists.
func (e *TakenError) Error() string {
	if e.Employee == "" {
		return fmt.Sprintf("company %s exists already", e.Company)
	}
	return fmt.Sprintf("employee %s of %s exists already", e.Employee, e.Company)
}

// Unwrap returns [track.ErrExists].
func (e *TakenError) Unwrap() error { return track.ErrExists }

// Desk is where companies and people are enrolled. It keeps no state and is
// safe for concurrent use. Besides the errors of its methods each returns what
// the store does, such as [track.ErrUnavailable].
type Desk struct {
	Store  Store
	Issuer Issuer
}

// AddCompany adds a company; an empty name is its id. It returns
// [track.ErrInvalid] or a [TakenError].
func (d Desk) AddCompany(ctx context.Context, id, name string) error {
	if err := track.CheckCompany(id); err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	err := d.Store.AddCompany(ctx, track.Company{ID: id, Name: name})
	if errors.Is(err, track.ErrExists) {
		return &TakenError{Company: id}
	}
	return err
}

// Companies lists all companies, by id.
func (d Desk) Companies(ctx context.Context) ([]track.Company, error) {
	return d.Store.Companies(ctx)
}

// CheckCompany returns nil if the company exists, [track.ErrInvalid] if there
// can be none of this id, or a [MissingError].
func (d Desk) CheckCompany(ctx context.Context, id string) error {
	if err := track.CheckCompany(id); err != nil {
		return err
	}
	all, err := d.Store.Companies(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c track.Company) bool { return c.ID == id }) {
		return &MissingError{Company: id}
	}
	return nil
}

// Employees lists the people of a company, by id, or returns a [MissingError].
func (d Desk) Employees(ctx context.Context, company string) ([]track.Employee, error) {
	if err := track.CheckCompany(company); err != nil {
		return nil, err
	}
	people, err := d.Store.Employees(ctx, company)
	if errors.Is(err, track.ErrNotFound) {
		return nil, &MissingError{Company: company}
	}
	return people, err
}

// AddEmployee adds a person and returns the credentials of the phone. An empty
// name is the id. The errors are those of [Desk.Add].
func (d Desk) AddEmployee(ctx context.Context, company, id, name string) (identity.Credential, error) {
	credentials, err := d.Add(ctx, company, []track.Employee{{ID: id, Name: name}})
	if err != nil {
		return identity.Credential{}, err
	}
	return credentials[0], nil
}

// AddMany adds count people whose ids are prefix1, prefix2 and so on, to a team
// or (empty) to none. The errors are those of [Desk.Add].
func (d Desk) AddMany(ctx context.Context, company, prefix string, count int, team string) ([]identity.Credential, error) {
	if count < 1 || count > MaxPeople {
		return nil, track.Invalid("count", "%d must be between 1 and %d", count, MaxPeople)
	}
	people := make([]track.Employee, count)
	for i := range people {
		people[i].ID, people[i].Team = prefix+strconv.Itoa(i+1), team
	}
	return d.Add(ctx, company, people)
}

// Add adds people, all or none, and returns the credentials of their phones in
// the same order. It returns [track.ErrInvalid] for a bad id or name, a
// [MissingError] without the company, a [TakenError] if one of them exists, and
// [ErrNoCredentials] if they were added but their credentials could not be
// issued.
func (d Desk) Add(ctx context.Context, company string, people []track.Employee) ([]identity.Credential, error) {
	if err := checkPeople(company, people); err != nil {
		return nil, err
	}
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	if err := d.Store.AddEmployees(ctx, company, people); err != nil {
		return nil, d.explain(ctx, err, company, ids)
	}
	credentials, err := d.Issuer.IssueDevices(ctx, company, ids, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCredentials, err)
	}
	return credentials, nil
}

// explain tells what the store's refusal was about.
func (d Desk) explain(ctx context.Context, refusal error, company string, ids []string) error {
	switch {
	case errors.Is(refusal, track.ErrNotFound):
		return &MissingError{Company: company}
	case errors.Is(refusal, track.ErrExists):
		there, err := d.present(ctx, company)
		if err != nil {
			return refusal
		}
		for _, id := range ids {
			if there[id] {
				return &TakenError{Company: company, Employee: id}
			}
		}
	}
	return refusal
}

// present returns the ids of a company's people.
func (d Desk) present(ctx context.Context, company string) (map[string]bool, error) {
	people, err := d.Employees(ctx, company)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(people))
	for _, p := range people {
		there[p.ID] = true
	}
	return there, nil
}

// SetTeam puts people into a team, or (empty) into none: all or none of them. It
// returns [track.ErrInvalid] for a bad name or id, and a [MissingError].
func (d Desk) SetTeam(ctx context.Context, company string, employees []string, team string) error {
	if _, err := track.CleanTeam(team); err != nil {
		return err
	}
	there, err := d.present(ctx, company)
	if err != nil {
		return err
	}
	for _, e := range employees {
		if err := track.CheckEmployee(e); err != nil {
			return err
		}
		if !there[e] {
			return &MissingError{Company: company, Employee: e}
		}
	}
	return d.Store.SetTeam(ctx, company, employees, team)
}

// Revoke makes all credentials of a person's phone worthless and returns how
// many these were. A running server closes the connection within 5 seconds. It
// returns a [MissingError] if there is no such person.
func (d Desk) Revoke(ctx context.Context, company, employee string) (int, error) {
	if err := d.checkEmployee(ctx, company, employee); err != nil {
		return 0, err
	}
	n, err := d.Store.RevokeTokens(ctx, track.TokenFilter{Company: company, Employee: employee})
	if err != nil {
		return 0, fmt.Errorf("revoke credentials: %w", err)
	}
	return n, nil
}

// Reissue revokes what a person has and issues new credentials. The errors are
// those of [Desk.Revoke].
func (d Desk) Reissue(ctx context.Context, company, employee string) (identity.Credential, error) {
	if _, err := d.Revoke(ctx, company, employee); err != nil {
		return identity.Credential{}, err
	}
	credentials, err := d.Issuer.IssueDevices(ctx, company, []string{employee}, 0)
	if err != nil {
		return identity.Credential{}, err
	}
	return credentials[0], nil
}

func (d Desk) checkEmployee(ctx context.Context, company, employee string) error {
	if err := track.CheckEmployee(employee); err != nil {
		return err
	}
	there, err := d.present(ctx, company)
	if err != nil {
		return err
	}
	if !there[employee] {
		return &MissingError{Company: company, Employee: employee}
	}
	return nil
}
