package binary

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// databases counts those that this process made, for their names.
var databases atomic.Int64

// NewDatabase makes a database on a server, by its URL, and returns its URL and
// what removes it, as far as the server is still there.
func NewDatabase(ctx context.Context, server, prefix string) (database string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, errors.New("the URL of PostgreSQL cannot be read") // it may hold a password
	}
	name := fmt.Sprintf("%s_%d_%d", prefix, os.Getpid(), databases.Add(1))
	if err := Execute(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() error {
		return Execute(context.WithoutCancel(ctx), server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}, nil
}

// Execute runs statements on a database, each by itself.
func Execute(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s, err))
		}
	}
	return errors.Join(append(errs, conn.Close(ctx))...)
}

// Postgres runs scripts/postgres and returns what it prints on stdout.
func Postgres(args ...string) (string, error) {
	script, err := Script("postgres")
	if err != nil {
		return "", err
	}
	out, err := exec.Command(script, args...).Output() //nolint:gosec,noctx // a script of this project
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("scripts/postgres %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Script returns the path of one of the project's scripts; the working
// directory must be the project's, or below it.
func Script(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, "scripts", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no scripts/%s in %s or above: run this inside the project", name, dir)
		}
	}
}
