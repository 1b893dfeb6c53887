package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// AddCompany implements [track.Directory].
func (s *Store) AddCompany(ctx context.Context, c track.Company) error {
	c, err := row.Company(c, s.now())
	if err != nil {
		return fmt.Errorf("add company: %w", err)
	}
	return s.write(ctx, "add company", func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO company (key, name, created_us) VALUES ($1, $2, $3)", c.ID, c.Name, c.CreatedAt.UnixMicro())
		if exists(err) {
			return fmt.Errorf("company %s: %w", c.ID, track.ErrExists)
		}
		return err
	})
}

// Companies implements [track.Directory].
func (s *Store) Companies(ctx context.Context) (cs []track.Company, err error) {
	err = s.call(ctx, "list companies", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT key, name, created_us FROM company ORDER BY key")
		if err != nil {
			return err
		}
		var (
			c  track.Company
			us int64
		)
		_, err = pgx.ForEachRow(rows, []any{&c.ID, &c.Name, &us}, func() error {
			c.CreatedAt = row.Time(us)
			cs = append(cs, c)
			return nil
		})
		return err
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
	return s.write(ctx, "add employees", func(ctx context.Context, tx pgx.Tx) error {
		id, err := companyID(ctx, tx, company)
		if err != nil {
			return err
		}
		teams, err := addTeams(ctx, tx, id, row.Teams(es))
		if err != nil {
			return err
		}
		var batch pgx.Batch
		for _, e := range es {
			batch.Queue("INSERT INTO employee (company_id, key, name, team_id, created_us) VALUES ($1, $2, $3, nullif($4::int, 0), $5)",
				id, e.ID, e.Name, teams[track.FoldTeam(e.Team)], e.CreatedAt.UnixMicro())
		}
		results := tx.SendBatch(ctx, &batch)
		for _, e := range es {
			if _, err = results.Exec(); err != nil {
				if exists(err) {
					err = fmt.Errorf("employee %s of %s: %w", e.ID, company, track.ErrExists)
				}
				break
			}
		}
		if err2 := results.Close(); err == nil {
			err = err2
		}
		return err
	})
}

// Employees implements [track.Directory].
func (s *Store) Employees(ctx context.Context, company string) (es []track.Employee, err error) {
	const query = "SELECT c.key, e.key, e.name, coalesce(t.name, ''), e.created_us" +
		" FROM employee e JOIN company c ON c.id = e.company_id LEFT JOIN team t ON t.id = e.team_id" +
		" WHERE $1 = '' OR c.key = $1 ORDER BY c.key, e.key"
	err = s.call(ctx, "list employees", func(ctx context.Context, conn *pgx.Conn) error {
		if company != "" {
			if _, err := companyID(ctx, conn, company); err != nil {
				return err
			}
		}
		rows, err := conn.Query(ctx, query, row.Text(company))
		if err != nil {
			return err
		}
		var (
			e  track.Employee
			us int64
		)
		_, err = pgx.ForEachRow(rows, []any{&e.Company, &e.ID, &e.Name, &e.Team, &us}, func() error {
			e.CreatedAt = row.Time(us)
			es = append(es, e)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return es, nil
}

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// companyID finds the id of a company, or returns [track.ErrNotFound].
func companyID(ctx context.Context, q querier, key string) (id int32, err error) {
	err = q.QueryRow(ctx, "SELECT id FROM company WHERE key = $1", row.Text(key)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
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
	return s.write(ctx, "add user", func(ctx context.Context, tx pgx.Tx) error {
		var company pgtype.Int4 // NULL: an operator
		if u.Company != "" {
			id, err := companyID(ctx, tx, u.Company)
			if err != nil {
				return err
			}
			company = pgtype.Int4{Int32: id, Valid: true}
		}
		_, err := tx.Exec(ctx, "INSERT INTO login (email, company_id, role, name, password_hash, created_us) VALUES ($1, $2, $3, $4, $5, $6)",
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
		" FROM login u LEFT JOIN company c ON c.id = u.company_id WHERE u.email = $1"
	err = s.call(ctx, "find user", func(ctx context.Context, conn *pgx.Conn) error {
		var us int64
		err := conn.QueryRow(ctx, query, row.Email(email)).Scan(&u.Email, &u.Company, &u.Role, &u.Name, &u.PasswordHash, &us)
		if errors.Is(err, pgx.ErrNoRows) {
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
