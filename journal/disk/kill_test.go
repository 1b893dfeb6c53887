package disk_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/disk"

	"go.uber.org/goleak"
)

// childEnv makes the test binary the process that is going to be killed: it
// appends to the journal in this folder for ever.
const childEnv = "FIELDCAST_TEST_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Fprintln(os.Stderr, appendForEver(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// killOptions make files small, so that kills also hit the change of files.
var killOptions = disk.Options{SegmentBytes: 64 << 10, TailRecords: 10}

// killPayload is the content that belongs to a number of a goroutine's record.
func killPayload(worker string, n int) string {
	return fmt.Sprintf("%s %d %s", worker, n, strings.Repeat("x", n%1500))
}

// appendForEver prints a line for each acknowledged record, and one before it
// cuts off.
func appendForEver(dir string) error {
	j, err := disk.Open(dir, killOptions)
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
				seq, err := j.Append(context.Background(), journal.Record{
					Kind: journal.Message, Employee: worker, Size: n, Payload: []byte(killPayload(worker, n)),
				})
				if err != nil {
					errs <- err
					return
				}
				say("ack %d %s %d\n", seq, worker, n)
				if w == 0 && n%50 == 49 && seq > 300 {
					say("cut %d\n", seq-300)
					if err := j.Truncate(seq - 300); err != nil {
						errs <- err
						return
					}
				}
			}
		}()
	}
	return <-errs
}

// acked is what a killed process said.
type acked struct {
	payload map[uint64]string
	cut     uint64
}

func TestKill(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	all := acked{payload: map[uint64]string{}}
	for round := range rounds {
		killOnce(t, dir, &all)
		checkAcked(t, round, dir, &all)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d records were acknowledged between %d kills, and are there", len(all.payload), rounds)
}

// killOnce starts the child, kills it at a random moment, and takes down what
// it acknowledged.
func killOnce(t *testing.T, dir string, all *acked) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe) //nolint:gosec // this test binary
	child.Env = append(os.Environ(), childEnv+"="+dir)
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for killing := false; lines.Scan(); {
		if !killing { // it is open
			killing = true
			time.AfterFunc(rand.N(150*time.Millisecond), func() { child.Process.Kill() })
		}
		var (
			seq    uint64
			worker string
			n      int
		)
		if _, err := fmt.Sscanf(lines.Text(), "ack %d %s %d", &seq, &worker, &n); err == nil {
			if all.payload[seq] != "" {
				t.Errorf("number %d was given twice", seq)
			}
			all.payload[seq] = killPayload(worker, n)
		} else if _, err := fmt.Sscanf(lines.Text(), "cut %d", &seq); err == nil {
			all.cut = max(all.cut, seq)
		}
	}
	child.Wait() //nolint:errcheck // it was killed
	if stderr.Len() > 0 {
		t.Fatalf("the child ended by itself: %s", stderr.String())
	}
}

// checkAcked opens the journal and looks for everything acknowledged.
func checkAcked(t *testing.T, round int, dir string, all *acked) {
	t.Helper()
	j := mustOpen(t, dir, killOptions)
	defer j.Close()
	s := j.Stats()
	if s.First > all.cut+1 {
		t.Errorf("round %d: the first record is %d, but only %d were cut off", round, s.First, all.cut)
	}
	there := map[uint64]string{}
	for seq := s.First; seq <= s.Last; {
		rs, err := j.Read(t.Context(), seq, 1000)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, r := range rs {
			if want := killPayload(r.Employee, r.Size); string(r.Payload) != want || r.Seq != seq {
				t.Fatalf("round %d: record %d holds %q", round, seq, r.Payload)
			}
			there[seq] = string(r.Payload)
			seq++
		}
	}
	for seq, want := range all.payload {
		if got := there[seq]; seq >= s.First && got != want {
			t.Errorf("round %d: record %d was acknowledged with %.40q, and is now %.40q", round, seq, want, got)
		}
	}
}
