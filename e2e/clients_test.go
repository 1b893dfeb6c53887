package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/payload"
	"fieldcast/simulate/crowd"
	"fieldcast/track"
)

// client is somebody else's MQTT client at work.
type client struct {
	tb    testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{}

	mu     sync.Mutex
	lines  []string
	stderr bytes.Buffer
}

// launch starts a program that is killed at the end of the test.
func launch(tb testing.TB, cmd *exec.Cmd) *client {
	tb.Helper()
	p := &client{tb: tb, cmd: cmd, ended: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	must(tb, err)
	p.stdin, err = cmd.StdinPipe()
	must(tb, err)
	cmd.Stderr = &p.stderr
	must(tb, cmd.Start())
	go func() {
		defer close(p.ended)
		for scan := bufio.NewScanner(stdout); scan.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, scan.Text())
			p.mu.Unlock()
		}
		_ = cmd.Wait() // the exit code is read from ProcessState
	}()
	tb.Cleanup(p.kill)
	return p
}

func (p *client) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.ended
}

// with returns the lines that begin with a prefix, without it.
func (p *client) with(prefix string) (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			out = append(out, rest)
		}
	}
	return out
}

// says waits for a line that contains a text.
func (p *client) says(text string) {
	p.tb.Helper()
	found := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.lines {
			if strings.Contains(line, text) {
				return true
			}
		}
		return false
	}
	eventually(p.tb, 30*time.Second, fmt.Sprintf("%s says %q", p.cmd.Args[0], text), func() bool {
		select {
		case <-p.ended:
			if !found() {
				p.tb.Fatalf("%s ended without saying %q:\n%s\n%s", p.cmd.Args[0], text, strings.Join(p.with(""), "\n"), p.stderr.String())
			}
		default:
		}
		return found()
	})
}

// wait waits until the program has ended by itself, and wants exit code 0.
func (p *client) wait(within time.Duration) {
	p.tb.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.tb.Fatalf("%s runs after %v; it said\n%s\n%s", p.cmd.Args[0], within, strings.Join(p.with(""), "\n"), p.stderr.String())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.tb.Fatalf("%s: exit code %d; it said\n%s\n%s", p.cmd.Args[0], code, strings.Join(p.with(""), "\n"), p.stderr.String())
	}
}

// location is a payload as OwnTracks writes it, one for each i.
func location(i int) string {
	at := time.Unix(time.Now().Unix()-86_000+int64(i), 0)
	return string(payload.EncodeOwnTracks(track.Fix{Lat: 12 + float64(i)/1e4, Lon: 77, RecordedAt: at}))
}

// locations are n of them, each a second after the other.
func locations(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = location(i)
	}
	return out
}

// sameLines compares what was sent with what came: all of it, once, in order.
func sameLines(t *testing.T, who string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: message %d is %q, want %q", who, i, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d messages, want %d", who, len(got), len(want))
	}
}

// mosquitto runs the clients of Debian's mosquitto-clients.
type mosquitto struct {
	s    *server
	user string
	pass string
}

func needMosquitto(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"mosquitto_pub", "mosquitto_sub", "stdbuf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: install mosquitto-clients, or run scripts/test", tool)
		}
	}
}

func mosquittoOf(s *server, p crowd.Phone) mosquitto { return mosquitto{s, p.Username, p.Password} }

func (m mosquitto) command(tool, version string, more ...string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(m.s.MQTT)
	args := []string{"-h", host, "-p", port, "-V", version, "-u", m.user, "-P", m.pass}
	return exec.Command(tool, append(args, more...)...)
}

// pub runs mosquitto_pub to its end.
func (m mosquitto) pub(stdin, version string, more ...string) (code int, said string) {
	m.s.tb.Helper()
	cmd := m.command("mosquitto_pub", version, more...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		m.s.tb.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// sub starts mosquitto_sub; each message is a line MSG topic|qos|retain|body.
// It returns when the subscription is answered.
func (m mosquitto) sub(version string, more ...string) *client {
	m.s.tb.Helper()
	cmd := m.command("mosquitto_sub", version, append([]string{"-d", "-F", "MSG %t|%q|%r|%p"}, more...)...)
	// It would keep what it says until there is much of it.
	p := launch(m.s.tb, exec.Command("stdbuf", append([]string{"-oL"}, cmd.Args...)...))
	p.says("received SUBACK")
	return p
}
