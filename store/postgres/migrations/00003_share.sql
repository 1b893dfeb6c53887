-- +goose Up
-- A link by which somebody without a login sees where one person is. Of its token
-- there is a digest only: who reads this table can use no link.
CREATE TABLE share (
    id          text COLLATE "C" PRIMARY KEY,
    employee_id integer NOT NULL REFERENCES employee (id),
    digest      text COLLATE "C" NOT NULL UNIQUE, -- SHA-256, hex
    note        text    NOT NULL,
    created_by  text    NOT NULL,
    created_us  bigint  NOT NULL,
    expires_us  bigint  NOT NULL,
    revoked_us  bigint  -- NULL: not
);
CREATE INDEX share_person ON share (employee_id, expires_us);

-- +goose Down
DROP TABLE share;
