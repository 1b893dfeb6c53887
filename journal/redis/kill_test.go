package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/redis"
)

// Redis is killed under load, again and again. With appendfsync always nothing
// that was acknowledged is missing in it; with everysec it may be, and what is
// missing is written again by the process that still has it.
func TestKillRedis(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for _, d := range []struct {
		durability redis.Durability
		appendsync string
	}{{redis.Fsync, "always"}, {redis.Everysec, "everysec"}} {
		t.Run(string(d.durability), func(t *testing.T) {
			p := start(t, "--appendfsync", d.appendsync)
			o, metrics := watched(redis.Options{URL: p.url(), Durability: d.durability})
			j := mustOpen(t, o)
			l := publish(t, j, 50)
			for range rounds {
				l.moves(t, 500)
				time.Sleep(rand.N(100 * time.Millisecond)) // a moment nobody has chosen
				p.kill()
				p.run()
				l.moves(t, 100)
			}
			l.end()
			restored, lost := metric(t, metrics, "fieldcast_journal_restored_records_total"), metric(t, metrics, "fieldcast_journal_lost_records_total")
			t.Logf("%d kills, %d acknowledged, longest append %s: redis had lost %v, %v of them for good", rounds, l.count(), l.slow, restored+lost, lost)
			if n := l.missing(t, j); n > 0 || lost > 0 {
				t.Errorf("%d acknowledged records are missing", n)
			}
			if d.durability == redis.Fsync && restored > 0 {
				t.Errorf("redis had lost %v records that it had synced", restored)
			}
		})
	}
}

// The power fails: what Redis has not synced is gone. Its file is cut to what
// it was a second before, which is what everysec promises.
func TestPowerLoss(t *testing.T) {
	for _, d := range []struct {
		name    string
		o       redis.Options
		sync    string
		survive bool // this process
		may     bool // records may be lost
	}{
		{"always", redis.Options{}, "always", false, false},
		{"everysec", redis.Options{Durability: redis.Everysec}, "everysec", false, true},
		{"everysec, and this process survives", redis.Options{Durability: redis.Everysec}, "everysec", true, false},
	} {
		t.Run(d.name, func(t *testing.T) {
			p := start(t, "--appendfsync", d.sync)
			d.o.URL, d.o.TailRecords, d.o.TailBytes = p.url(), 1<<18, 256<<20
			o, metrics := watched(d.o)
			j := mustOpen(t, o)
			l := publish(t, j, 20)
			l.moves(t, 2000)
			size := synced(t, p, d.sync)
			if !d.survive {
				l.end()
				j.Close()
			}
			acked := l.count()
			p.kill()
			if size > 0 {
				if err := os.Truncate(p.aof(), size); err != nil {
					t.Fatal(err)
				}
			}
			p.run()
			if d.survive {
				l.moves(t, 100)
				l.end()
				t.Logf("written again: %v", metric(t, metrics, "fieldcast_journal_restored_records_total"))
			} else {
				j = mustOpen(t, redis.Options{URL: p.url(), Durability: d.o.Durability, TailRecords: 1})
			}
			missing := l.missing(t, j)
			t.Logf("of %d records acknowledged before the power failed %d are lost", acked, missing)
			if missing > 0 != d.may {
				t.Errorf("%d acknowledged records are lost", missing)
			}
		})
	}
}

// synced returns how much of the file survives a loss of power: all of it if
// each write is synced (0), else what was there a second ago.
func synced(t *testing.T, p *process, sync string) int64 {
	t.Helper()
	if sync == "always" {
		return 0
	}
	info, err := os.Stat(p.aof())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	return info.Size()
}

// The end of the file is torn off, in the middle of a group: Redis drops the
// group, and the process that has it writes it again. A new process does not
// notice; a database that has seen more does.
func TestTornFile(t *testing.T) {
	p := start(t)
	o, metrics := watched(redis.Options{URL: p.url()})
	j := mustOpen(t, o)
	fill(t, j, 1000, 100)
	tear := func() {
		t.Helper()
		p.kill()
		info, err := os.Stat(p.aof())
		if err == nil {
			err = os.Truncate(p.aof(), info.Size()*9/10)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.run()
	}
	tear()
	fill(t, j, 100, 100)
	if n := metric(t, metrics, "fieldcast_journal_restored_records_total"); n < 50 || n > 300 {
		t.Errorf("%v records were written again", n)
	}
	if all := readAll(t, j); len(all) != 1100 {
		t.Errorf("%d records of 1100 are there", len(all))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	tear()
	j = mustOpen(t, redis.Options{URL: p.url()})
	s := j.Stats()
	if s.Last >= 1100 || s.Last < 500 {
		t.Errorf("after the loss: %+v", s)
	}
	if all := readAll(t, j); uint64(len(all)) != s.Last {
		t.Errorf("%d records of %d are there", len(all), s.Last)
	}
	if err := j.Skip(1100); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("a database that has seen more: %v, want ErrCorrupt", err)
	}
	// A file that is damaged elsewhere is refused by Redis itself.
	j.Close()
	p.kill()
	damage(t, p.aof())
	p.launch()
	p.cmd.Wait()
	if log, _ := os.ReadFile(filepath.Join(p.dir, "log")); !strings.Contains(string(log), "Bad file format") {
		t.Errorf("redis took the damaged file: %.300s", log)
	}
	p.cmd = nil
	if _, err := redis.Open(t.Context(), redis.Options{URL: p.url()}); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("open: %v, want ErrUnavailable", err)
	}
}

// Redis rewrites its file under load, with everything cut off at times, and is
// killed: the numbers go on where they stood.
func TestRewrite(t *testing.T) {
	p := start(t)
	j := mustOpen(t, redis.Options{URL: p.url()})
	fill(t, j, 500, 50)
	if err := j.Truncate(500); err != nil {
		t.Fatal(err)
	}
	eventually(t, "everything is cut off", func() bool { return p.do("XLEN", "{fieldcast:0}:log") == int64(0) })
	rewrite := func() {
		t.Helper()
		p.do("BGREWRITEAOF")
		eventually(t, "the file is rewritten", func() bool {
			return strings.Contains(p.do("INFO", "persistence").(string), "aof_rewrite_in_progress:0")
		})
	}
	rewrite()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	p.kill()
	p.run()
	o, metrics := watched(redis.Options{URL: p.url()})
	j = mustOpen(t, o)
	if s := j.Stats(); s.First != 501 || s.Last != 500 || s.Bytes != 0 {
		t.Errorf("after the rewrite of an empty log: %+v", s)
	}
	l := publish(t, j, 20)
	l.moves(t, 300)
	rewrite()
	l.moves(t, 300)
	p.kill()
	p.run()
	l.moves(t, 100)
	l.end()
	if n := l.missing(t, j); n > 0 || l.acked[501] == "" {
		t.Errorf("%d acknowledged records are missing; the first is %q", n, l.acked[501])
	}
	if n := metric(t, metrics, "fieldcast_journal_lost_records_total"); n > 0 {
		t.Errorf("%v records are lost", n)
	}
}

// damage overwrites bytes in the middle of a file.
func damage(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	if _, err := f.WriteAt([]byte(strings.Repeat("?", 500)), info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// readAll reads everything that is there.
func readAll(t *testing.T, j journal.Journal) (all []journal.Record) {
	t.Helper()
	s := j.Stats()
	for seq := s.First; seq <= s.Last; {
		rs, err := j.Read(t.Context(), seq, 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rs...)
		seq = rs[len(rs)-1].Seq + 1
	}
	return all
}

// appendForEver prints a line for each acknowledged record.
func appendForEver(url string) error {
	j, err := redis.Open(context.Background(), redis.Options{URL: url, Timeout: time.Minute})
	if err != nil {
		return err
	}
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format, args...) // unbuffered: the line is out when it returns
	}
	say("open\n")
	errs := make(chan error)
	for w := range 8 {
		go func() {
			worker := fmt.Sprintf("w%d-%d", w, rand.Uint32())
			for n := 0; ; n++ {
				seq, err := j.Append(context.Background(), message(worker, n))
				if err != nil {
					errs <- err
					return
				}
				say("ack %d %s %d\n", seq, worker, n)
			}
		}()
	}
	return <-errs
}

// child is a process that appends for ever.
type child struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr strings.Builder
}

func startChild(t *testing.T, url string, env ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(exe)}
	c.cmd.Env = append(append(os.Environ(), childEnv+"="+url), env...)
	c.cmd.Stderr = &c.stderr
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill() })
	c.lines = bufio.NewScanner(out)
	return c
}

// note reads the child's lines into a ledger until the child has ended, or said
// n of them.
func (c *child) note(l *load, n int) {
	for i := 0; i < n && c.lines.Scan(); i++ {
		var (
			seq    uint64
			worker string
			k      int
		)
		if _, err := fmt.Sscanf(c.lines.Text(), "ack %d %s %d", &seq, &worker, &k); err == nil {
			l.acked[seq] = payload(worker, k)
		}
	}
}

const all = 1 << 30

// The server is killed: the next one takes the journal over, and has all that
// was acknowledged.
func TestKillServer(t *testing.T) {
	p := start(t)
	l := &load{acked: map[uint64]string{}}
	for range 3 {
		c := startChild(t, p.url())
		c.note(l, 300)
		c.cmd.Process.Kill()
		c.note(l, all)
		c.cmd.Wait()
		if c.stderr.Len() > 0 {
			t.Fatalf("the child ended by itself: %s", c.stderr.String())
		}
	}
	began := time.Now()
	j := mustOpen(t, redis.Options{URL: p.url()})
	t.Logf("the journal was taken over after %s", time.Since(began))
	if n := l.missing(t, j); n > 0 {
		t.Errorf("%d of %d acknowledged records are missing", n, len(l.acked))
	}
}

// A server that lives is not robbed; one that was asleep is, and writes nothing
// any more when it wakes up.
func TestTwoServers(t *testing.T) {
	p := start(t)
	l := &load{acked: map[uint64]string{}}
	c := startChild(t, p.url())
	c.note(l, 100)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		c.note(l, all)
	}()
	if _, err := redis.Open(t.Context(), redis.Options{URL: p.url()}); err == nil || !strings.Contains(err.Error(), "in use by another server") {
		t.Fatalf("the second server: %v", err)
	}
	c.cmd.Process.Signal(syscall.SIGSTOP)
	j := mustOpen(t, redis.Options{URL: p.url()})
	fill(t, j, 200, 50)
	c.cmd.Process.Signal(syscall.SIGCONT)
	<-heard
	c.cmd.Wait()
	if !strings.Contains(c.stderr.String(), "another process has taken it over") {
		t.Errorf("the first one ended with: %s", c.stderr.String())
	}
	before := j.Stats().Last
	fill(t, j, 100, 50)
	if s := j.Stats(); s.Last != before+100 {
		t.Errorf("after %d records and 100 more the last is %d", before, s.Last)
	}
	there := map[uint64]string{}
	for _, r := range readAll(t, j) {
		there[r.Seq] = string(r.Payload)
	}
	for seq, want := range l.acked {
		if there[seq] != want {
			t.Errorf("record %d was acknowledged with %.40q, and is now %.40q", seq, want, there[seq])
		}
	}
}
