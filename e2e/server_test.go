package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if binary = os.Getenv("FIELDCAST_BIN"); binary != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "fieldcast-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "fieldcast")
		build := exec.Command("go", "build", "-o", binary, "fieldcast/cmd/fieldcast")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// server is a running fieldcast that can be killed and started again on the
// same data and ports.
type server struct {
	tb       testing.TB
	data     string
	database string // URL; empty: SQLite
	http     string // host:port
	mqtt     string
	metrics  string
	cmd      *exec.Cmd
	exited   chan struct{}
	log      *logBuffer
}

// databases runs a test on SQLite, and on PostgreSQL where there is one.
func databases(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, newDatabase(t, needPostgres(t))) })
}

func needPostgres(t *testing.T) string {
	t.Helper()
	url := os.Getenv("FIELDCAST_TEST_POSTGRES")
	if url == "" {
		t.Skip("needs PostgreSQL: set FIELDCAST_TEST_POSTGRES to a postgres:// URL, or run scripts/test")
	}
	return url
}

// newDatabase makes a database of its own for a test, and removes it.
func newDatabase(tb testing.TB, server string) string {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	must(tb, err)
	name := fmt.Sprintf("e2e_%d_%d", os.Getpid(), time.Now().UnixNano())
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	must(tb, err)
	must(tb, conn.Close(ctx))
	tb.Cleanup(func() {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return // the test has stopped its server
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			tb.Logf("drop database: %v", err)
		}
	})
	u, err := url.Parse(server)
	must(tb, err)
	u.Path = "/" + name
	return u.String()
}

// newServer prepares a server; start starts it.
func newServer(tb testing.TB, database string) *server {
	tb.Helper()
	s := &server{tb: tb, data: tb.TempDir(), database: database, http: freeAddr(tb), mqtt: freeAddr(tb), metrics: freeAddr(tb), log: &logBuffer{}}
	tb.Cleanup(func() {
		if s.cmd != nil {
			s.kill()
		}
		if tb.Failed() {
			tb.Logf("the server's log ends with:\n%s", s.log.tail(4000))
		}
	})
	return s
}

// startServer starts a server with a company acme, and waits until it is ready.
func startServer(tb testing.TB, database string) *server {
	tb.Helper()
	s := newServer(tb, database)
	s.start()
	s.cli("company", "add", "acme", "--name", "Acme Ltd")
	return s
}

func (s *server) flags() []string {
	flags := []string{"--data", s.data}
	if s.database != "" {
		flags = append(flags, "--database", s.database)
	}
	return flags
}

func (s *server) start(extra ...string) {
	s.tb.Helper()
	s.launch(extra...)
	s.waitReady()
}

// launch starts the process and does not wait.
func (s *server) launch(extra ...string) {
	s.tb.Helper()
	args := append([]string{"serve", "--http", s.http, "--mqtt", s.mqtt, "--metrics", s.metrics}, s.flags()...)
	cmd := exec.Command(binary, append(args, extra...)...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	must(s.tb, cmd.Start())
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit code is read from ProcessState
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
}

func (s *server) waitReady() {
	s.tb.Helper()
	eventually(s.tb, 60*time.Second, "the server is ready", func() bool {
		select {
		case <-s.exited:
			s.tb.Fatalf("the server ended by itself:\n%s", s.log.tail(4000))
		default:
		}
		return s.status("/readyz", "") == http.StatusOK
	})
}

// kill is kill -9.
func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL) // it may have ended already
	<-s.exited
}

// stop is SIGTERM; it returns the exit code.
func (s *server) stop() int {
	s.tb.Helper()
	must(s.tb, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.exited:
	case <-time.After(40 * time.Second):
		s.kill()
		s.tb.Fatal("the server did not end within 40 s of SIGTERM")
	}
	return s.cmd.ProcessState.ExitCode()
}

// cli runs a command on the server's installation and returns what it prints.
func (s *server) cli(args ...string) string {
	s.tb.Helper()
	out, err := s.tryCLI("", args...)
	if err != nil {
		s.tb.Fatalf("fieldcast %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func (s *server) tryCLI(stdin string, args ...string) (string, error) {
	cmd := exec.Command(binary, append(args, s.flags()...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// token issues one by the command line.
func (s *server) token(company, role string, more ...string) string {
	s.tb.Helper()
	return strings.TrimSpace(s.cli(append([]string{"token", company, "--role", role}, more...)...))
}

// enrol adds n employees e1…en and returns the file with their credentials.
func (s *server) enrol(company string, n int) string {
	s.tb.Helper()
	file := filepath.Join(s.tb.TempDir(), "credentials.csv")
	s.cli("employee", "add", company, "--count", fmt.Sprint(n), "--prefix", "e", "--out", file)
	return file
}

// status is the code of a GET; 0 if there was no answer.
func (s *server) status(path, token string) int {
	code, _ := s.fetch(path, token)
	return code
}

func (s *server) fetch(path, token string) (int, []byte) {
	req, err := http.NewRequest(http.MethodGet, "http://"+s.http+path, nil)
	must(s.tb, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

var httpClient = &http.Client{Timeout: 30 * time.Second}

// get reads a JSON answer of 200.
func (s *server) get(path, token string, into any) {
	s.tb.Helper()
	code, body := s.fetch(path, token)
	if code != http.StatusOK {
		s.tb.Fatalf("GET %s: %d %s", path, code, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		s.tb.Fatalf("GET %s: %v", path, err)
	}
}

// stats is what /stats answers.
type stats struct{ Employees, Fixes, Rejected, Seq int64 }

func (s *server) stats(company, token string) (st stats) {
	s.tb.Helper()
	s.get("/api/v1/companies/"+company+"/stats", token, &st)
	return st
}

// freeAddr is an address that nobody listens on at the moment.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(tb, err)
	defer l.Close()
	return l.Addr().String()
}

// eventually waits for a condition.
func eventually(tb testing.TB, within time.Duration, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(within)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		if condition() {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %v it was still not so that %s", within, what)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// logBuffer collects what the server prints, over restarts.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
