package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fieldcast/e2e/binary"
)

func cores() int { return runtime.NumCPU() }

// contender is a server that is measured.
type contender struct {
	name  string
	keeps string // what of a fix it has on disk when it acknowledges
	start func(*bench, context.Context) (*running, error)
}

// running is a contender's server.
type running struct {
	addr  string // MQTT
	pid   int
	stop  func() error
	flags []string // of fieldcast bench
	// stored counts the fixes in its store; nil if it has none.
	stored func(context.Context) (int, error)
}

var contenders = []contender{
	{"Fieldcast, SQLite", "yes", func(b *bench, ctx context.Context) (*running, error) { return b.fieldcast(ctx, "") }},
	{"Fieldcast, PostgreSQL", "yes", (*bench).fieldcastPostgres},
	{"stock mochi", "no", (*bench).mochi},
	{"mosquitto", "no", (*bench).mosquitto},
	{"NATS server, MQTT", "no", (*bench).nats},
}

// unlimited are settings under which one address may be all phones.
var unlimited = []string{"FIELDCAST_MQTT_MAX_CONNECTS_PER_SECOND=100000"}

const company = "bench"

func (b *bench) fieldcast(ctx context.Context, database string) (*running, error) {
	data, err := b.folder("fieldcast")
	if err != nil {
		return nil, err
	}
	s, err := binary.New(b.program, data, database)
	if err != nil {
		return nil, err
	}
	s.Env = unlimited
	credentials := filepath.Join(data, "credentials.csv")
	for _, args := range [][]string{
		{"company", "add", company},
		{"employee", "add", company, "--count", fmt.Sprint(b.phones), "--prefix", "e", "--out", credentials},
	} {
		if _, err := s.CLI(args...); err != nil {
			return nil, err
		}
	}
	token, err := s.Token(company, "manager", "--ttl", "12h")
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return &running{
		addr: s.MQTT, pid: s.Cmd.Process.Pid, flags: []string{"--credentials", credentials, "--token", token},
		stop: func() error {
			code, err := s.Stop()
			if err == nil && code != 0 {
				err = fmt.Errorf("fieldcast ended with code %d: %s", code, s.Log.Tail(1000))
			}
			return err
		},
		stored: func(ctx context.Context) (int, error) {
			var stats binary.Stats
			err := binary.Await(ctx, 5*time.Minute, "the journal is in the store", func() bool {
				return s.Metric("fieldcast_journal_lag_records") == 0
			})
			if err == nil {
				stats, err = s.Stats(company, token)
			}
			return int(stats.Fixes), err
		},
	}, nil
}

func (b *bench) fieldcastPostgres(ctx context.Context) (*running, error) {
	dir, err := b.folder("postgres")
	if err != nil {
		return nil, err
	}
	url, err := binary.Postgres("start", dir)
	if err != nil {
		return nil, err
	}
	stop := func() error { _, err := binary.Postgres("stop", dir, "-m", "immediate"); return err }
	database, _, err := binary.NewDatabase(ctx, url, "bench")
	if err == nil {
		var r *running
		if r, err = b.fieldcast(ctx, database); err == nil {
			server := r.stop
			r.stop = func() error { return errors.Join(server(), stop()) }
			return r, nil
		}
	}
	return nil, errors.Join(err, stop())
}

// mochi is the library that Fieldcast is built on, with its defaults, open to
// everybody: this program, as a process of its own.
func (b *bench) mochi(ctx context.Context) (*running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := binary.FreeAddr()
	if err != nil {
		return nil, err
	}
	return b.process(ctx, addr, self, "mochi", addr)
}

func (b *bench) mosquitto(ctx context.Context) (*running, error) {
	addr, err := binary.FreeAddr()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	config, err := b.config("mosquitto", "listener "+port+" "+host+"\nallow_anonymous true\npersistence false\nmax_connections -1\n")
	if err != nil {
		return nil, err
	}
	return b.process(ctx, addr, "mosquitto", "-c", config)
}

func (b *bench) nats(ctx context.Context) (*running, error) {
	addr, err := binary.FreeAddr()
	if err != nil {
		return nil, err
	}
	own, err := binary.FreeAddr()
	if err != nil {
		return nil, err
	}
	store, err := b.folder("nats")
	if err != nil {
		return nil, err
	}
	config, err := b.config("nats", fmt.Sprintf("listen: %q\nserver_name: bench\njetstream { store_dir: %q }\nmqtt { listen: %q }\n", own, store, addr))
	if err != nil {
		return nil, err
	}
	return b.process(ctx, addr, "nats-server", "-c", config)
}

func (b *bench) config(name, text string) (string, error) {
	dir, err := b.folder(name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name+".conf")
	return file, os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // read by another user
}

// process starts somebody else's server and waits until it listens.
func (b *bench) process(ctx context.Context, addr, program string, args ...string) (*running, error) {
	if path, err := exec.LookPath("/usr/sbin/" + program); err == nil && !strings.Contains(program, "/") {
		program = path // Debian puts servers there, where users' PATH does not look
	}
	cmd := exec.Command(program, args...) //nolint:gosec,noctx // a server that is measured; ended by stop
	log := &binary.Log{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() error {
		_ = cmd.Process.Kill() // it has nothing that must be kept
		_ = cmd.Wait()
		return nil
	}
	err := binary.Await(ctx, 20*time.Second, program+" listens on "+addr, func() bool {
		c, err := net.Dial("tcp", addr) //nolint:noctx // loopback
		return err == nil && c.Close() == nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, log.Tail(500)), stop())
	}
	return &running{addr: addr, pid: cmd.Process.Pid, stop: stop, flags: []string{"--phones", fmt.Sprint(b.phones), "--company", company}}, nil
}
