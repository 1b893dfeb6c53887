package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// AddCompany implements [track.Directory].
func (s *Store) AddCompany(ctx context.Context, c track.Company) error {
	c, err := row.Company(c, s.now())
	if err != nil {
		return fmt.Errorf("add company: %w", err)
	}
	return s.write(ctx, "add company", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO company (key, name, created_us) VALUES (?, ?, ?)", c.ID, c.Name, c.CreatedAt.UnixMicro())
		if exists(err) {
			return fmt.Errorf("company %s: %w", c.ID, track.ErrExists)
		}
		return err
	})
}

// Companies implements [track.Directory].
func (s *Store) Companies(ctx context.Context) (cs []track.Company, err error) {
	err = s.read(ctx, "list companies", func(ctx context.Context) error {
		var (
			c  track.Company
			us int64
		)
		return s.forEach(ctx, []any{&c.ID, &c.Name, &us}, func() {
			c.CreatedAt = row.Time(us)
			cs = append(cs, c)
		}, "SELECT key, name, created_us FROM company ORDER BY key")
	})
	if err != nil {
		return nil, err
	}
	return cs, nil
}

// AddEmployees implements [track.Directory].
func (s *Store) AddEmployees(ctx context.Context, company string, es []track.Employee) error {
	es, err := row.Employees(company, es, s.now())
	if err != nil {
		return fmt.Errorf("add employees: %w", err)
	}
	return s.write(ctx, "add employees", func(ctx context.Context, tx *sql.Tx) error {
		id, err := companyID(ctx, tx, company)
		if err != nil {
			return err
		}
		teams, err := addTeams(ctx, tx, id, row.Teams(es))
		if err != nil {
			return err
		}
		const query = "INSERT INTO employee (company_id, key, name, team_id, created_us) VALUES (?, ?, ?, nullif(?, 0), ?)"
		insert, err := tx.PrepareContext(ctx, query) //nolint:sqlclosecheck // closed with the transaction
		if err != nil {
			return err
		}
		for _, e := range es {
			_, err := insert.ExecContext(ctx, id, e.ID, e.Name, teams[track.FoldTeam(e.Team)], e.CreatedAt.UnixMicro())
			if exists(err) {
				return fmt.Errorf("employee %s of %s: %w", e.ID, company, track.ErrExists)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Employees implements [track.Directory].
func (s *Store) Employees(ctx context.Context, company string) (es []track.Employee, err error) {
	const query = "SELECT c.key, e.key, e.name, coalesce(t.name, ''), e.created_us" +
		" FROM employee e JOIN company c ON c.id = e.company_id LEFT JOIN team t ON t.id = e.team_id" +
		" WHERE ?1 = '' OR c.key = ?1 ORDER BY c.key, e.key"
	err = s.read(ctx, "list employees", func(ctx context.Context) error {
		if company != "" {
			if _, err := companyID(ctx, s.readers, company); err != nil {
				return err
			}
		}
		var (
			e  track.Employee
			us int64
		)
		return s.forEach(ctx, []any{&e.Company, &e.ID, &e.Name, &e.Team, &us}, func() {
			e.CreatedAt = row.Time(us)
			es = append(es, e)
		}, query, company)
	})
	if err != nil {
		return nil, err
	}
	return es, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// companyID finds the id of a company, or returns [track.ErrNotFound].
func companyID(ctx context.Context, q querier, key string) (id int64, err error) {
	err = q.QueryRowContext(ctx, "SELECT id FROM company WHERE key = ?", key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("company %q: %w", row.Text(key), track.ErrNotFound)
	}
	return id, err
}

// AddUser implements [track.Users].
func (s *Store) AddUser(ctx context.Context, u track.User) error {
	u, err := row.User(u, s.now())
	if err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return s.write(ctx, "add user", func(ctx context.Context, tx *sql.Tx) error {
		var company any // NULL: an operator
		if u.Company != "" {
			if company, err = companyID(ctx, tx, u.Company); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx,
			"INSERT INTO login (email, company_id, role, name, password_hash, created_us) VALUES (?, ?, ?, ?, ?, ?)",
			u.Email, company, string(u.Role), u.Name, u.PasswordHash, u.CreatedAt.UnixMicro())
		if exists(err) {
			return fmt.Errorf("user %s: %w", u.Email, track.ErrExists)
		}
		return err
	})
}

// User implements [track.Users].
func (s *Store) User(ctx context.Context, email string) (u track.User, err error) {
	const query = "SELECT u.email, coalesce(c.key, ''), u.role, u.name, u.password_hash, u.created_us" +
		" FROM login u LEFT JOIN company c ON c.id = u.company_id WHERE u.email = ?"
	err = s.read(ctx, "find user", func(ctx context.Context) error {
		var us int64
		err := s.readers.QueryRowContext(ctx, query, row.Email(email)).Scan(&u.Email, &u.Company, &u.Role, &u.Name, &u.PasswordHash, &us)
		if errors.Is(err, sql.ErrNoRows) {
			return track.ErrNotFound
		}
		u.CreatedAt = row.Time(us)
		return err
	})
	if err != nil {
		return track.User{}, err
	}
	return u, nil
}
