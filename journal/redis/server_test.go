package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/redis"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// childEnv makes the test binary the process that is going to be killed: it
// appends to the journal at this URL for ever.
const childEnv = "FIELDCAST_TEST_REDIS_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		fmt.Fprintln(os.Stderr, appendForEver(url))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// shared returns the URL of the server that scripts/test has started.
func shared(t testing.TB) string {
	t.Helper()
	url := os.Getenv("FIELDCAST_TEST_REDIS")
	if url == "" {
		t.Skip("FIELDCAST_TEST_REDIS is unset: scripts/redis start DIR prints the URL of a server for it; scripts/test does both")
	}
	return url
}

// process is a server of a test's own, which may be broken.
type process struct {
	t    testing.TB
	args []string
	addr string
	dir  string
	cmd  *exec.Cmd
}

// start runs a server on a free port: durable, if settings do not say
// otherwise. It needs the program that scripts/redis uses.
func start(t testing.TB, settings ...string) *process {
	t.Helper()
	shared(t) // where there is one, there is the program
	p := &process{t: t, dir: t.TempDir()}
	p.addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(p.addr)
	p.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", p.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}, settings...)
	t.Cleanup(p.kill)
	p.run()
	return p
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func program() string {
	if p := os.Getenv("FIELDCAST_REDIS_SERVER"); p != "" {
		return p
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return "redis-server"
}

// run starts the program and waits until it has loaded its data.
func (p *process) run() {
	p.t.Helper()
	p.launch()
	p.await()
}

func (p *process) launch() {
	p.t.Helper()
	p.cmd = exec.Command(program(), p.args...)
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) await() {
	p.t.Helper()
	c := p.client()
	defer c.Close()
	eventually(p.t, "the server answers", func() bool { return c.Ping(context.Background()).Err() == nil })
}

// kill is kill -9.
func (p *process) kill() { p.end(syscall.SIGKILL) }

// stop is an orderly end.
func (p *process) stop() { p.end(syscall.SIGTERM) }

func (p *process) end(s syscall.Signal) {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGCONT)
	p.cmd.Process.Signal(s)
	p.cmd.Wait()
	p.cmd = nil
}

func (p *process) freeze() { p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) thaw()   { p.cmd.Process.Signal(syscall.SIGCONT) }

func (p *process) url() string { return "redis://" + p.addr + "/0" }

// client speaks to the server beside the journal. The caller closes it.
func (p *process) client() *goredis.Client {
	return goredis.NewClient(&goredis.Options{Addr: p.addr, Protocol: 2, DialTimeout: time.Second, ReadTimeout: 5 * time.Second, MaxRetries: -1})
}

// do runs a command on the server.
func (p *process) do(args ...any) any {
	p.t.Helper()
	c := p.client()
	defer c.Close()
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		p.t.Fatalf("%v: %v", args, err)
	}
	return v
}

// aof returns the file that the server appends to.
func (p *process) aof() string {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("the server has no append-only file: %v", err)
	}
	return files[len(files)-1]
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// mustOpen opens a journal, which the test closes at its end at the latest.
func mustOpen(t testing.TB, o redis.Options) *redis.Journal {
	t.Helper()
	j, err := redis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// watched is options with metrics that the test can read.
func watched(o redis.Options) (redis.Options, *prometheus.Registry) {
	r := prometheus.NewRegistry()
	o.Registerer = r
	return o, r
}

// metric reads a counter or gauge.
func metric(t testing.TB, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// message is a record whose payload tells what it is.
func message(worker string, n int) journal.Record {
	return journal.Record{Kind: journal.Message, Company: "acme", Employee: worker, Topic: "fc/acme/" + worker, Size: n, Payload: []byte(payload(worker, n))}
}

func payload(worker string, n int) string {
	return fmt.Sprintf("%s %d %s", worker, n, strings.Repeat("x", n%700))
}

// startUnasked is start for a server that may refuse to answer PING.
func startUnasked(t testing.TB, settings ...string) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	_, port, _ := net.SplitHostPort(p.addr)
	p.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", p.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}, settings...)
	t.Cleanup(p.kill)
	p.launch()
	eventually(t, "the server listens", func() bool {
		c, err := net.Dial("tcp", p.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return p
}

func write(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
