// Package postgres keeps everything in PostgreSQL 13 or newer. Call [Open]
// with a postgres:// URL; search_path in it chooses the schema.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"fieldcast/store/internal/gate"
	"fieldcast/store/migrate"
	"fieldcast/track"
)

//go:embed migrations/*.sql
var migrations embed.FS

var _ track.Store = (*Store)(nil)

const (
	oldest         = 130000 // server_version_num
	minConns       = 8      // pool, unless the URL says pool_max_conns
	connectTimeout = 10 * time.Second
	lockTimeout    = 10 * time.Second // a statement's wait for a lock of somebody else
	// callTimeout ends a call when the network swallows it without a word.
	callTimeout = time.Minute
	// migrationLock is the advisory lock of migrations: "fieldcas" in ASCII.
	migrationLock = 0x6669656c64636173
)

// Options of [Open]. The zero value is good.
type Options struct {
	Logger *slog.Logger     // nil: silent
	Now    func() time.Time // nil: time.Now; for CreatedAt and IssuedAt
}

// Store implements [track.Store] in PostgreSQL. Make one with [Open]; it is
// safe for concurrent use.
type Store struct {
	address string // host and port, for messages
	log     *slog.Logger
	now     func() time.Time
	gate    *gate.Gate
	pool    *pgxpool.Pool

	commits chan struct{} // holds one token: one commit at a time; guards people and months
	people  people
	months  map[month]bool // partitions that are there
}

// Open connects and brings the schema up to date. It returns
// [track.ErrUnavailable] if the server cannot be reached or used, and
// [track.ErrNewerSchema] if a newer program wrote the database. No error holds
// the password of the URL.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	c := config.ConnConfig
	s := &Store{
		address: net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))),
		log:     o.Logger, now: o.Now, gate: gate.New("the database"),
		commits: make(chan struct{}, 1), people: newPeople(), months: make(map[month]bool),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, s.openError(ctx, err)
	}
	if err := s.open(ctx); err != nil {
		s.pool.Close()
		return nil, s.openError(ctx, err)
	}
	s.log.Debug("database opened", "address", s.address, "name", c.Database)
	return s, nil
}

// parse reads the URL and adds what this store needs. Its error does not hold
// any part of the URL: it has a password in it.
func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil || !strings.Contains(url, "://") {
		return nil, errors.New("open database: the URL cannot be read: write it as postgres://user:password@host:5432/name")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, minConns)
	}
	c := config.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"application_name": "fieldcast",
		"lock_timeout":     strconv.FormatInt(lockTimeout.Milliseconds(), 10),
	} {
		if _, ok := c.RuntimeParams[name]; !ok {
			c.RuntimeParams[name] = value
		}
	}
	// The journal is cut behind what was committed, so a commit must be on disk
	// when it returns, whatever the server's default.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
		return err
	}
	return config, nil
}

func (s *Store) open(ctx context.Context) error {
	var (
		version int
		fsync   string
	)
	err := s.pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('fsync')").Scan(&version, &fsync)
	if err != nil {
		return err
	}
	if version < oldest {
		return fmt.Errorf("the server is PostgreSQL %d, and 13 or newer is needed", version/10000)
	}
	if fsync != "on" {
		s.log.Warn("the database server runs with fsync off: a crash of its machine loses fixes", "address", s.address)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 600))
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(s.pool)
	err = migrate.Up(ctx, migrate.Options{DB: db, Dialect: goose.DialectPostgres, Files: files, SessionLocker: locker})
	return errors.Join(err, db.Close())
}

// openError says in one sentence what is wrong and what to do.
func (s *Store) openError(ctx context.Context, err error) error {
	op := "open database"
	switch sqlstate(err) {
	case codeWrongPass:
		return fmt.Errorf("%s: the server at %s refused the user or the password: check the database URL: %w", op, s.address, track.ErrUnavailable)
	case codeNoDatabase:
		return fmt.Errorf("%s: the server at %s has no database of that name: create it: %w", op, s.address, track.ErrUnavailable)
	case codePrivilege:
		return fmt.Errorf("%s: the user may not create tables: grant it CREATE on the schema (%w)", op, err)
	}
	if ctx.Err() == nil && sqlstate(err) == "" && away(err) {
		return fmt.Errorf("%s: cannot reach PostgreSQL at %s: is it running, and is the URL right? %w (%s)", op, s.address, track.ErrUnavailable, strings.Join(strings.Fields(err.Error()), " "))
	}
	return s.fail(ctx, op, err)
}

// Ping implements [track.Store].
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, "ping", func(ctx context.Context, conn *pgx.Conn) error {
		var readOnly bool
		err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'").Scan(&readOnly)
		if err == nil && readOnly {
			err = fmt.Errorf("the database at %s is %w: %w", s.address, errReadOnly, track.ErrUnavailable)
		}
		return err
	})
}

// Close implements [track.Store]. Calls that are under way end with
// [track.ErrUnavailable].
func (s *Store) Close() error {
	if s.gate.Close() {
		s.pool.Close()
	}
	return nil
}

// call runs f inside the gate with a connection of the pool.
func (s *Store) call(ctx context.Context, op string, f func(ctx context.Context, conn *pgx.Conn) error) error {
	inner, leave, err := s.gate.Enter(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer leave()
	inner, cancel := context.WithTimeout(inner, callTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(inner)
	if err != nil {
		return s.fail(ctx, op, err)
	}
	defer conn.Release()
	err = f(inner, conn.Conn())
	if err != nil && conn.Conn().IsClosed() {
		err = errors.Join(errLost, err)
	}
	if errors.Is(err, errReadOnly) || sqlstate(err) == codeReadOnly {
		// Connections stay what they were when they were made, and lead to where
		// they led: after a fail-over the other server is found by new ones.
		s.pool.Reset()
	}
	return s.fail(ctx, op, err)
}

// write runs f in a transaction and commits it.
func (s *Store) write(ctx context.Context, op string, f func(ctx context.Context, tx pgx.Tx) error) error {
	return s.call(ctx, op, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f(ctx, tx) })
	})
}
