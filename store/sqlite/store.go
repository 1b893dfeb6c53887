// Package sqlite keeps everything in one file: the store of a server that
// needs no other service. Call [Open].
//
// One connection writes, several read, and neither waits for the other (WAL).
// A commit has returned only after fsync (synchronous=FULL, verified on every
// connection). Other processes, such as the command line, may use the same
// file at the same time.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/pressly/goose/v3"
	sqlite3 "modernc.org/sqlite/lib"

	"fieldcast/store/internal/gate"
	"fieldcast/store/internal/row"
	"fieldcast/store/migrate"
	"fieldcast/track"
)

//go:embed migrations/*.sql
var migrations embed.FS

var _ track.Store = (*Store)(nil)

// Options of [Open]. The zero value is good.
type Options struct {
	Logger *slog.Logger     // nil: silent
	Now    func() time.Time // nil: time.Now; for CreatedAt and IssuedAt
	// Check looks for damage before anything else if the last process did not
	// end orderly, for some seconds at most. For the server; who opens the file
	// beside it leaves this out.
	Check bool
}

// Store implements [track.Store] in a file. Make one with [Open]; it is safe
// for concurrent use.
type Store struct {
	path string
	log  *slog.Logger
	now  func() time.Time
	gate *gate.Gate

	check   bool    // see Options
	writer  *sql.DB // one connection
	readers *sql.DB
	insert  *sql.Stmt // a fix; on the writer
	place   *sql.Stmt // a position; on the writer

	people people // touched by commits only, which the one writer serialises
}

// Open opens the file at path, makes it (0600, its folder 0700) if it is not
// there, and brings its schema up to date. The error is [track.ErrNewerSchema]
// if a newer program wrote it, and [track.ErrUnavailable] if it is locked for
// too long; others say in a sentence what is wrong with the path.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{path: path, log: o.Logger, now: o.Now, check: o.Check, gate: gate.New("the database"), people: newPeople()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.openError(ctx, err), s.closePools())
	}
	s.log.Debug("database opened", "path", path)
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	unlock, err := lock(ctx, s.path+"-lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	unclean := wasUnclean(s.path)
	if s.writer, err = open(s.path, false, 1); err != nil {
		return err
	}
	if s.readers, err = open(s.path, true, max(4, 2*runtime.NumCPU())); err != nil {
		return err
	}
	if err := s.writer.PingContext(ctx); err != nil {
		return err
	}
	if s.check && unclean {
		if err := s.quickCheck(ctx); err != nil {
			return err
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// goose holds one connection while it asks for another, so the migration
	// has a pool of its own.
	db, err := open(s.path, false, 2)
	if err != nil {
		return err
	}
	err = migrate.Up(ctx, migrate.Options{DB: db, Dialect: goose.DialectSQLite3, Files: files})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if s.insert, err = s.writer.PrepareContext(ctx, insertFix); err != nil {
		return err
	}
	s.place, err = s.writer.PrepareContext(ctx, upsertPosition)
	return err
}

// openError says in one sentence what is wrong and what to do.
func (s *Store) openError(ctx context.Context, err error) error {
	if errors.Is(err, track.ErrNewerSchema) {
		return fmt.Errorf("open %s: %w", s.path, err)
	}
	if errors.Is(err, row.ErrDamaged) {
		return fmt.Errorf("open %s: %w", s.path, err)
	}
	switch code(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("open %s: the file is not a SQLite database, or is damaged: move it away or restore a backup (%w)", s.path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("open %s: the file or its folder cannot be written: give this user the right to write there (%w)", s.path, err)
	}
	return s.fail(ctx, "open "+s.path, err)
}

// makeFile makes an empty database file that nobody else can read. SQLite
// gives the files beside it (-wal, -shm) the same mode.
func makeFile(path string) error {
	if path == "" {
		return errors.New("open database: no path was given: set a file, such as data/fieldcast.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("open %s: cannot make its folder: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: cannot write the database file: %w", path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 { // where people have been is nobody else's business
		err = f.Chmod(0o600)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return nil
}

// Ping implements [track.Store]: it takes the write lock and gives it back.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(context.Context, *sql.Tx) error { return nil })
}

// Close implements [track.Store]. Calls that are under way end with
// [track.ErrUnavailable].
func (s *Store) Close() error {
	if !s.gate.Close() {
		return nil
	}
	return s.closePools()
}

func (s *Store) closePools() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.insert, s.place} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	for _, db := range []*sql.DB{s.readers, s.writer} { // the last one folds the WAL into the file
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// read runs f inside the gate.
func (s *Store) read(ctx context.Context, op string, f func(ctx context.Context) error) error {
	inner, leave, err := s.gate.Enter(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer leave()
	return s.fail(ctx, op, f(inner))
}

// forEach runs a query on a reader and calls f after each row has been scanned
// to targets.
func (s *Store) forEach(ctx context.Context, targets []any, f func(), query string, args ...any) error {
	return s.tryEach(ctx, targets, func() error { f(); return nil }, query, args...)
}

// tryEach is forEach that ends with the first error of f.
func (s *Store) tryEach(ctx context.Context, targets []any, f func() error, query string, args ...any) (err error) {
	rows, err := s.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// write runs f in a transaction of the one writer and commits it.
func (s *Store) write(ctx context.Context, op string, f func(ctx context.Context, tx *sql.Tx) error) error {
	return s.read(ctx, op, func(ctx context.Context) error {
		tx, err := s.writer.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; else the first error counts
		if err := f(ctx, tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}
