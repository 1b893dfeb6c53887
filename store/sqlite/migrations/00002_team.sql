-- +goose Up
-- An employee belongs to one team of the company, or to none. A team whose
-- people have all left stays, and is seen by nobody.
CREATE TABLE team (
    id         INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES company (id),
    folded     TEXT    NOT NULL, -- the name without case
    name       TEXT    NOT NULL,
    UNIQUE (company_id, folded)
) STRICT;
ALTER TABLE employee ADD COLUMN team_id INTEGER REFERENCES team (id);
CREATE INDEX employee_team ON employee (team_id) WHERE team_id IS NOT NULL;

-- +goose Down
DROP INDEX employee_team;
ALTER TABLE employee DROP COLUMN team_id;
DROP TABLE team;
