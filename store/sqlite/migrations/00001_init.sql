-- +goose Up
-- Ids of people's making (acme, e17) are called key; id is a small number for
-- the rows of others. Times are microseconds since 1970, UTC.
CREATE TABLE company (
    id         INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    created_us INTEGER NOT NULL,
    -- Kept by each commit, so that nobody ever counts millions of rows.
    fixes      INTEGER NOT NULL DEFAULT 0,
    rejected   INTEGER NOT NULL DEFAULT 0,
    seq        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE employee (
    id         INTEGER PRIMARY KEY,
    company_id INTEGER NOT NULL REFERENCES company (id),
    key        TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (company_id, key)
) STRICT;

CREATE TABLE login (
    email         TEXT PRIMARY KEY, -- lower case
    company_id    INTEGER REFERENCES company (id), -- NULL: operator of the server
    role          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    created_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A token may be issued for people who are not in the directory yet, so it
-- holds their ids, not references.
CREATE TABLE token (
    id         TEXT PRIMARY KEY, -- jti
    role       TEXT    NOT NULL,
    company    TEXT    NOT NULL,
    employee   TEXT    NOT NULL,
    issued_us  INTEGER NOT NULL,
    expires_us INTEGER, -- NULL: never
    revoked_us INTEGER  -- NULL: valid
) STRICT, WITHOUT ROWID;
CREATE INDEX token_person ON token (company, employee);
CREATE INDEX token_revoked ON token (revoked_us) WHERE revoked_us IS NOT NULL;

-- A person's day is one range of the primary key, which is the table itself.
-- Scaled integers: see track.Scaled. NULL is unknown.
CREATE TABLE fix (
    employee_id          INTEGER NOT NULL REFERENCES employee (id),
    recorded_us          INTEGER NOT NULL,
    digest               INTEGER NOT NULL,
    lat_e7               INTEGER NOT NULL CHECK (lat_e7 BETWEEN -900000000 AND 900000000),
    lon_e7               INTEGER NOT NULL CHECK (lon_e7 BETWEEN -1800000000 AND 1800000000),
    accuracy_dm          INTEGER,
    altitude_dm          INTEGER,
    vertical_accuracy_dm INTEGER,
    speed_cms            INTEGER,
    course_dd            INTEGER,
    battery_pct          INTEGER,
    charging             INTEGER,
    mock                 INTEGER,
    cause                TEXT, -- the phone's trigger, as it came
    network              TEXT, -- w, m, o: wifi, mobile, offline
    quality              INTEGER NOT NULL, -- bits: track.Marks
    received_us          INTEGER NOT NULL,
    seq                  INTEGER NOT NULL,
    PRIMARY KEY (employee_id, recorded_us, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE position (
    employee_id          INTEGER PRIMARY KEY REFERENCES employee (id),
    recorded_us          INTEGER NOT NULL,
    digest               INTEGER NOT NULL,
    lat_e7               INTEGER NOT NULL CHECK (lat_e7 BETWEEN -900000000 AND 900000000),
    lon_e7               INTEGER NOT NULL CHECK (lon_e7 BETWEEN -1800000000 AND 1800000000),
    accuracy_dm          INTEGER,
    altitude_dm          INTEGER,
    vertical_accuracy_dm INTEGER,
    speed_cms            INTEGER,
    course_dd            INTEGER,
    battery_pct          INTEGER,
    charging             INTEGER,
    mock                 INTEGER,
    cause                TEXT,
    network              TEXT,
    quality              INTEGER NOT NULL,
    received_us          INTEGER NOT NULL,
    seq                  INTEGER NOT NULL,
    interval_s           REAL,
    changed              INTEGER NOT NULL
) STRICT;

-- The last place that a message can go to: no reference, no check, so that
-- nothing can be refused here.
CREATE TABLE rejected (
    id          INTEGER PRIMARY KEY,
    company     TEXT    NOT NULL,
    employee    TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    detail      TEXT    NOT NULL,
    payload     BLOB    NOT NULL,
    size        INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    seq         INTEGER NOT NULL
) STRICT;
CREATE INDEX rejected_newest ON rejected (company, seq, id);

CREATE TABLE report (
    id          INTEGER PRIMARY KEY,
    employee_id INTEGER NOT NULL REFERENCES employee (id),
    kind        TEXT    NOT NULL,
    body        BLOB    NOT NULL, -- JSON as the phone sent it
    received_us INTEGER NOT NULL,
    seq         INTEGER NOT NULL
) STRICT;
CREATE INDEX report_person ON report (employee_id, seq);

-- How far the journal has been committed: one row.
CREATE TABLE journal_cursor (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO journal_cursor (id, seq) VALUES (1, 0);

-- +goose Down
DROP TABLE journal_cursor;
DROP TABLE report;
DROP TABLE rejected;
DROP TABLE position;
DROP TABLE fix;
DROP TABLE token;
DROP TABLE login;
DROP TABLE employee;
DROP TABLE company;
