//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"fieldcast/e2e/binary"
)

// database is a private PostgreSQL, and the database of the present world in it.
type database struct {
	dir    string
	server string // URL of its superuser
	name   string // of the present database, and of the role that owns it
	drop   func() error
}

// database returns the server, started if it was not yet, and the URL of a new
// database in it, whose owner is an ordinary role: limits hold for it.
func (r *runner) database(ctx context.Context) (*database, string, error) {
	if r.pg == nil {
		d := &database{dir: filepath.Join(r.dir, "postgres")}
		var err error
		if d.server, err = binary.Postgres("start", d.dir); err != nil {
			return nil, "", err
		}
		r.pg = d
	}
	d := r.pg
	var own string
	var err error
	if own, d.drop, err = binary.NewDatabase(ctx, d.server, "chaos"); err != nil {
		return nil, "", err
	}
	u, err := url.Parse(own)
	if err != nil {
		return nil, "", err
	}
	d.name = u.Path[1:]
	u.User = url.User(d.name)
	return d, u.String(), binary.Execute(ctx, d.server,
		"CREATE ROLE "+d.name+" LOGIN", fmt.Sprintf("ALTER DATABASE %s OWNER TO %s", d.name, d.name))
}

// start starts the server if it is stopped. After kill -9 it cannot before its
// children have noticed.
func (d *database) start() error {
	var err error
	return errors.Join(binary.Await(context.Background(), 30*time.Second, "PostgreSQL starts", func() bool {
		_, err = binary.Postgres("start", d.dir)
		return err == nil
	}), err)
}

func (d *database) stop(mode string) error {
	_, err := binary.Postgres("stop", d.dir, "-m", mode)
	return err
}

// backends returns the processes that serve the present database to our role.
func (d *database) backends(ctx context.Context) ([]int, error) {
	return d.pids(ctx, "SELECT pid FROM pg_stat_activity WHERE usename = '"+d.name+"'")
}

func (d *database) pids(ctx context.Context, query string) ([]int, error) {
	conn, err := pgx.Connect(ctx, d.server)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	return pids, errors.Join(err, conn.Close(ctx))
}

// kill is kill -9 of the postmaster. Its children end when they notice.
func (d *database) kill(ctx context.Context) error {
	children, err := d.pids(ctx, "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
	if err != nil {
		return err
	}
	file := filepath.Join(d.dir, "data", "postmaster.pid")
	content, err := os.ReadFile(file) //nolint:gosec // of our own server
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return fmt.Errorf("%s does not begin with a process id", file)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	err = binary.Await(ctx, 30*time.Second, "PostgreSQL's processes are gone", func() bool {
		return gone(pid) && !slices.ContainsFunc(children, func(child int) bool { return !gone(child) })
	})
	if err == nil && syscall.Kill(pid, 0) == nil {
		// Nobody has fetched its exit code, so PostgreSQL would take it for alive.
		err = os.Remove(file)
	}
	return err
}

// gone reports whether a process runs no more.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist) && runtime.GOOS == "linux"
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z") // ended, and nobody has asked how
}

// backUp copies the present database; nobody may be connected to it.
func (d *database) backUp(ctx context.Context) error {
	return binary.Execute(ctx, d.server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+d.name+"'",
		fmt.Sprintf("CREATE DATABASE %s_copy TEMPLATE %s OWNER %s", d.name, d.name, d.name))
}

// putBack makes the database what it was at the last backUp.
func (d *database) putBack(ctx context.Context) error {
	return binary.Execute(ctx, d.server, "DROP DATABASE "+d.name+" WITH (FORCE)", fmt.Sprintf("ALTER DATABASE %s_copy RENAME TO %s", d.name, d.name))
}

// restore removes the present database, and makes the server what it was.
func (d *database) restore() error {
	err := d.start() // if it is stopped
	return errors.Join(err, d.drop(), binary.Execute(context.Background(), d.server, "DROP ROLE "+d.name))
}

// close stops the server.
func (d *database) close() error { return d.stop("immediate") }
