package binary

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"time"
)

// How long a server may take.
const (
	readyWait = 60 * time.Second
	stopWait  = 40 * time.Second
)

// ErrEnded says that the server has ended by itself.
var ErrEnded = errors.New("the server ended by itself")

// Server is an installation, and the process that serves it if there is one.
// It can be killed and started again on the same data and ports. Its owner
// kills it; its methods are for one goroutine, except those that only ask
// (REST, metrics).
type Server struct {
	Program  string
	Data     string
	Database string // URL; empty: SQLite
	HTTP     string // host:port
	MQTT     string
	Metrics  string
	Env      []string // more than this process has, as KEY=value

	Cmd    *exec.Cmd
	Exited chan struct{} // closed when the process of Cmd has ended
	Log    *Log
}

// New prepares a server on free ports of 127.0.0.1; Start starts it.
func New(program, data, database string) (*Server, error) {
	s := &Server{Program: program, Data: data, Database: database, Log: &Log{}}
	for _, addr := range []*string{&s.HTTP, &s.MQTT, &s.Metrics} {
		var err error
		if *addr, err = FreeAddr(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// FreeAddr returns an address of 127.0.0.1 that nobody listens on now. Its port
// is below those that systems give to clients: a client of anybody's could hold
// one of them by the time that a server is started again on it.
func FreeAddr() (string, error) {
	const lowest, ports, attempts = 20_000, 12_000, 100
	var err error
	for range attempts {
		addr := fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(ports)) //nolint:gosec // any
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil { //nolint:noctx // binds at once
			return addr, l.Close()
		}
	}
	return "", fmt.Errorf("no free port: %w", err)
}

// Start launches the server and waits until it is ready, for a minute at most.
// It returns [ErrEnded] if it ends instead.
func (s *Server) Start(ctx context.Context, extra ...string) error {
	if err := s.Launch(extra...); err != nil {
		return err
	}
	return s.WaitReady(ctx)
}

// Launch starts the process and does not wait.
func (s *Server) Launch(extra ...string) error {
	args := append([]string{"serve", "--http", s.HTTP, "--mqtt", s.MQTT, "--metrics", s.Metrics}, s.flags()...)
	cmd := exec.Command(s.Program, append(args, extra...)...) //nolint:gosec,noctx // the program under test; ended by signals
	cmd.Stdout, cmd.Stderr = s.Log, s.Log
	cmd.Env = append(cmd.Environ(), s.Env...)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.Program, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(exited)
	}()
	s.Cmd, s.Exited = cmd, exited
	return nil
}

// WaitReady waits until readiness says yes, for a minute at most.
func (s *Server) WaitReady(ctx context.Context) error {
	var ended error
	err := Await(ctx, readyWait, "the server is ready", func() bool {
		select {
		case <-s.Exited:
			ended = fmt.Errorf("%w: %s", ErrEnded, s.Log.Tail(2000))
			return true
		default:
		}
		return s.Status("/readyz", "") == http.StatusOK
	})
	return errors.Join(ended, err)
}

// Signal sends a signal to the process. One that has ended is no error.
func (s *Server) Signal(sig syscall.Signal) {
	if s.Cmd != nil {
		_ = s.Cmd.Process.Signal(sig) // it may have ended already
	}
}

// Kill is kill -9; it returns when the process is gone.
func (s *Server) Kill() {
	if s.Cmd == nil {
		return
	}
	s.Signal(syscall.SIGKILL)
	<-s.Exited
}

// Running reports whether there is a process.
func (s *Server) Running() bool {
	if s.Cmd == nil {
		return false
	}
	select {
	case <-s.Exited:
		return false
	default:
		return true
	}
}

// Stop is SIGTERM. It returns the exit code, and an error if the server had to
// be killed because it did not end.
func (s *Server) Stop() (code int, err error) {
	s.Signal(syscall.SIGTERM)
	select {
	case <-s.Exited:
	case <-time.After(stopWait):
		s.Kill()
		return -1, fmt.Errorf("the server did not end within %v of SIGTERM", stopWait)
	}
	return s.ExitCode(), nil
}

// ExitCode is that of the process, which must have ended; -1 if a signal ended it.
func (s *Server) ExitCode() int { return s.Cmd.ProcessState.ExitCode() }

// Await waits for a condition. It returns an error that names it when it is not
// so within the time, or the error of ctx.
func Await(ctx context.Context, within time.Duration, what string, condition func() bool) error {
	return AwaitEvery(ctx, 50*time.Millisecond, within, what, condition)
}

// AwaitEvery is [Await] that looks more or less often.
func AwaitEvery(ctx context.Context, every, within time.Duration, what string, condition func() bool) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if condition() {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("after %v it was still not so that %s", within, what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
