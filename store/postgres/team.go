package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"fieldcast/store/internal/row"
	"fieldcast/track"
)

// SetTeam implements [track.Directory].
func (s *Store) SetTeam(ctx context.Context, company string, employees []string, team string) error {
	employees, team, err := row.Members(employees, team)
	if err != nil {
		return fmt.Errorf("set team: %w", err)
	}
	return s.write(ctx, "set team", func(ctx context.Context, tx pgx.Tx) error {
		companyID, err := companyID(ctx, tx, company)
		if err != nil {
			return err
		}
		var id int32
		if team != "" {
			if id, err = addTeam(ctx, tx, companyID, team, employees); err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, "UPDATE employee SET team_id = nullif($1::int, 0) WHERE company_id = $2 AND key = ANY($3)", id, companyID, employees)
		if err == nil && int(tag.RowsAffected()) < len(employees) {
			err = fmt.Errorf("%d of %d employees of %s: %w", len(employees)-int(tag.RowsAffected()), len(employees), company, track.ErrNotFound)
		}
		return err
	})
}

// addTeams returns the ids of teams by folded name, and makes those that are
// new.
func addTeams(ctx context.Context, tx pgx.Tx, company int32, teams map[string]string) (map[string]int32, error) {
	ids := make(map[string]int32, len(teams))
	for _, folded := range slices.Sorted(maps.Keys(teams)) { // one order for all: else two who add may wait for each other
		id, err := addTeam(ctx, tx, company, teams[folded], []string{})
		if err != nil {
			return nil, err
		}
		ids[folded] = id
	}
	return ids, nil
}

// addTeam returns the id of a team, and makes it if it is new. One that has no
// members but those who are about to join takes their way of writing its name.
func addTeam(ctx context.Context, tx pgx.Tx, company int32, name string, joining []string) (id int32, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO team (company_id, folded, name) VALUES ($1, $2, $3)
		ON CONFLICT (company_id, folded) DO UPDATE SET name = CASE WHEN EXISTS
			(SELECT 1 FROM employee e WHERE e.team_id = team.id AND NOT e.key = ANY($4::text[]))
			THEN team.name ELSE excluded.name END
		RETURNING id`, company, track.FoldTeam(name), name, joining).Scan(&id)
	return id, err
}
