// Package migrate brings the schema of a database up to date with goose. It is
// shared by the stores; each has its own folder of embedded SQL files.
package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"fieldcast/track"
)

// Options say what to migrate.
type Options struct {
	DB      *sql.DB
	Dialect goose.Dialect
	Files   fs.FS // holds the SQL files at its root
	// SessionLocker keeps two processes that start at the same time from doing
	// the same work twice; nil if the caller sees to that.
	SessionLocker lock.SessionLocker
}

// Up applies what is missing. It returns [track.ErrNewerSchema] if the
// database has been written by a program that knows more migrations, and
// leaves it as it is. When nothing is missing no lock is taken, so that a
// command starts beside a busy server without waiting.
func Up(ctx context.Context, o Options) error {
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if o.SessionLocker != nil {
		opts = append(opts, goose.WithSessionLocker(o.SessionLocker))
	}
	p, err := goose.NewProvider(o.Dialect, o.DB, o.Files, opts...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources() // by version
	newest := sources[len(sources)-1].Version

	done, err := check(ctx, o.DB, newest)
	if done || err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, err = check(ctx, o.DB, newest)
	return err
}

// check reports whether the database stands at the newest version. A database
// without goose's table, or one that cannot be asked, does not: the migration
// that follows will tell.
func check(ctx context.Context, db *sql.DB, newest int64) (done bool, err error) {
	var version int64
	row := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename)
	if row.Scan(&version) != nil {
		return false, nil
	}
	if version > newest {
		return false, fmt.Errorf("%w: it has version %d and this fieldcast knows %d; start the newer fieldcast that wrote it, or restore a backup from before the upgrade",
			track.ErrNewerSchema, version, newest)
	}
	return version == newest, nil
}
