package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// SetTeam implements [track.Directory].
func (s *Store) SetTeam(ctx context.Context, company string, employees []string, team string) error {
	employees, team, err := row.Members(employees, team)
	if err != nil {
		return fmt.Errorf("set team: %w", err)
	}
	return s.write(ctx, "set team", func(ctx context.Context, tx *sql.Tx) error {
		companyID, err := companyID(ctx, tx, company)
		if err != nil {
			return err
		}
		var id int64
		if team != "" {
			if id, err = addTeam(ctx, tx, companyID, team, employees); err != nil {
				return err
			}
		}
		for _, e := range employees {
			r, err := tx.ExecContext(ctx, "UPDATE employee SET team_id = nullif(?, 0) WHERE company_id = ? AND key = ?", id, companyID, e)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("employee %q of %s: %w", e, company, orNotFound(err))
			}
		}
		return nil
	})
}

func orNotFound(err error) error {
	if err == nil {
		return track.ErrNotFound
	}
	return err
}

// addTeams returns the ids of teams by folded name, and makes those that are
// new.
func addTeams(ctx context.Context, tx *sql.Tx, company int64, teams map[string]string) (map[string]int64, error) {
	ids := make(map[string]int64, len(teams))
	for folded, name := range teams {
		id, err := addTeam(ctx, tx, company, name, []string{})
		if err != nil {
			return nil, err
		}
		ids[folded] = id
	}
	return ids, nil
}

// addTeam returns the id of a team, and makes it if it is new. One that has no
// members but those who are about to join takes their way of writing its name.
func addTeam(ctx context.Context, tx *sql.Tx, company int64, name string, joining []string) (id int64, err error) {
	keys, err := json.Marshal(joining)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO team (company_id, folded, name) VALUES (?1, ?2, ?3)
		ON CONFLICT (company_id, folded) DO UPDATE SET name = CASE WHEN EXISTS
			(SELECT 1 FROM employee e WHERE e.team_id = team.id AND e.key NOT IN (SELECT value FROM json_each(?4)))
			THEN team.name ELSE excluded.name END
		RETURNING id`, company, track.FoldTeam(name), name, string(keys)).Scan(&id)
	return id, err
}
