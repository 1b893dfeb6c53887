-- +goose Up
-- A link by which somebody without a login sees where one person is. Of its token
-- there is a digest only: who reads this table can use no link.
CREATE TABLE share (
    id          TEXT PRIMARY KEY,
    employee_id INTEGER NOT NULL REFERENCES employee (id),
    digest      TEXT    NOT NULL UNIQUE, -- SHA-256, hex
    note        TEXT    NOT NULL,
    created_by  TEXT    NOT NULL,
    created_us  INTEGER NOT NULL,
    expires_us  INTEGER NOT NULL,
    revoked_us  INTEGER -- NULL: not
) STRICT, WITHOUT ROWID;
CREATE INDEX share_person ON share (employee_id, expires_us);

-- +goose Down
DROP TABLE share;
