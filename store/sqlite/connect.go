package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	modernc "modernc.org/sqlite"
)

// busyTimeout is how long a statement waits for another process that writes:
// longer than any command beside a server takes.
const busyTimeout = 10 * time.Second

// pragmas of every connection. busy_timeout comes first, because setting the
// others may have to wait already.
var pragmas = []string{
	fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
	"journal_mode(WAL)",
	"synchronous(FULL)",
	"foreign_keys(1)",
	"trusted_schema(0)",
	"cache_size(-16384)",           // 16 MiB
	"journal_size_limit(67108864)", // the WAL shrinks to 64 MiB after a burst
}

// connector opens connections and looks whether they are what they must be.
type connector struct{ driver.Connector }

// newConnector returns a connector to the file at path. Writers begin every
// transaction as IMMEDIATE, so that it waits at its start and never fails in
// the middle; readers cannot write.
func newConnector(path string, readOnly bool) (driver.Connector, error) {
	q := url.Values{"mode": {"rw"}, "_pragma": pragmas, "_txlock": {"immediate"}}
	if readOnly {
		q["_txlock"] = []string{"deferred"}
		q["_pragma"] = append(append([]string{}, pragmas...), "query_only(1)")
	}
	c, err := dial(path, q)
	if err != nil {
		return nil, err
	}
	return connector{c}, nil
}

// dial returns SQLite's own connector to the file at path.
func dial(path string, q url.Values) (driver.Connector, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") { // C:/…
		abs = "/" + abs
	}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	return modernc.NewConnector(dsn.String())
}

// openLock returns a pool for a file that serves as a lock.
func openLock(path string) (*sql.DB, error) {
	c, err := dial(path, url.Values{"mode": {"rw"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", openTimeout.Milliseconds())}})
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// Connect opens a connection and verifies it: SQLite silently ignores pragmas
// that it cannot follow, and a commit that is not on disk would break the
// promise that this store is for.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, want := range []struct {
		pragma string
		value  any
	}{{"journal_mode", "wal"}, {"synchronous", int64(2)}, {"foreign_keys", int64(1)}} {
		got, err := ask(ctx, conn, "PRAGMA "+want.pragma)
		if err == nil && got != want.value {
			err = fmt.Errorf("%s is %v where %v is needed: is the file on a disk of this machine?", want.pragma, got, want.value)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// ask returns the first value of a query.
func ask(ctx context.Context, conn driver.Conn, query string) (any, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	values := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(values); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s gave no answer", query)
		}
		return nil, errors.Join(err, rows.Close())
	}
	return values[0], rows.Close()
}

// open returns a pool of at most n connections that stay open.
func open(path string, readOnly bool, n int) (*sql.DB, error) {
	c, err := newConnector(path, readOnly)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}
