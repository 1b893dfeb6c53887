package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fieldcast/e2e/binary"
)

// program is the path of what is tested, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		path, remove, err := binary.Program()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer remove()
		program = path
		return m.Run()
	}())
}

// server is a [binary.Server] whose failures are the test's.
type server struct {
	*binary.Server
	tb testing.TB
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
	database, drop, err := binary.NewDatabase(context.Background(), server, "e2e")
	must(tb, err)
	tb.Cleanup(func() {
		if err := drop(); err != nil { // the test may have stopped its server
			tb.Logf("drop database: %v", err)
		}
	})
	return database
}

// newServer prepares a server; start starts it.
func newServer(tb testing.TB, database string) *server {
	tb.Helper()
	b, err := binary.New(program, tb.TempDir(), database)
	must(tb, err)
	s := &server{Server: b, tb: tb}
	tb.Cleanup(func() {
		s.Kill()
		if tb.Failed() {
			tb.Logf("the server's log ends with:\n%s", s.Log.Tail(4000))
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

func (s *server) start(extra ...string) {
	s.tb.Helper()
	must(s.tb, s.Start(context.Background(), extra...))
}

// launch starts the process and does not wait.
func (s *server) launch(extra ...string) {
	s.tb.Helper()
	must(s.tb, s.Launch(extra...))
}

// kill is kill -9.
func (s *server) kill() { s.Kill() }

// stop is SIGTERM; it returns the exit code.
func (s *server) stop() int {
	s.tb.Helper()
	code, err := s.Stop()
	must(s.tb, err)
	return code
}

// cli runs a command on the server's installation and returns what it prints.
func (s *server) cli(args ...string) string {
	s.tb.Helper()
	out, err := s.CLI(args...)
	must(s.tb, err)
	return out
}

// token issues one by the command line.
func (s *server) token(company, role string, more ...string) string {
	s.tb.Helper()
	token, err := s.Token(company, role, more...)
	must(s.tb, err)
	return token
}

// enrol adds n employees e1…en and returns the file with their credentials.
func (s *server) enrol(company string, n int) string {
	s.tb.Helper()
	file := filepath.Join(s.tb.TempDir(), "credentials.csv")
	s.cli("employee", "add", company, "--count", fmt.Sprint(n), "--prefix", "e", "--out", file)
	return file
}

// get reads a JSON answer of 200.
func (s *server) get(path, token string, into any) {
	s.tb.Helper()
	must(s.tb, s.Get(path, token, into))
}

func (s *server) stats(company, token string) binary.Stats {
	s.tb.Helper()
	st, err := s.Stats(company, token)
	must(s.tb, err)
	return st
}

// status is the code of a GET; 0 if there was no answer.
func (s *server) status(path, token string) int { return s.Status(path, token) }

func (s *server) fetch(path, token string) (int, []byte) { return s.Fetch(path, token) }

// metric reads a value from the server's metrics; -1 while it does not answer.
func (s *server) metric(name string) float64 { return s.Metric(name) }

// freeAddr is an address that nobody listens on at the moment.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	addr, err := binary.FreeAddr()
	must(tb, err)
	return addr
}

// eventually waits for a condition.
func eventually(tb testing.TB, within time.Duration, what string, condition func() bool) {
	tb.Helper()
	must(tb, binary.Await(context.Background(), within, what, condition))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
