package disk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/disk"
)

// power is a machine that loses its power at one operation on a file. What was
// not synced by then is on disk, or not, sector by sector.
type power struct {
	dir    string
	random *rand.Rand

	mu     sync.Mutex
	left   int               // operations until the power fails
	synced map[string][]byte // what each file held when it was last synced
	after  map[string][]byte // what the disk holds after the power has failed; nil before
}

// sector is what a disk writes as a whole.
const sector = 512

// fault is the hook of [disk.Options]. It is called before each operation, by
// the goroutine that does it: what a file holds when it is synced is what its
// writer has written.
func (p *power) fault(op disk.Op, file string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after != nil {
		return syscall.EIO
	}
	if op == disk.OpRead {
		return nil
	}
	if p.left--; p.left <= 0 {
		p.failLocked()
		return syscall.EIO
	}
	if op == disk.OpSync {
		content, err := os.ReadFile(filepath.Join(p.dir, file))
		if err != nil {
			return err
		}
		p.synced[file] = content
	}
	return nil
}

// failLocked takes down what the disk holds.
func (p *power) failLocked() {
	p.after = map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(p.dir, "*.wal")) // the pattern is good
	for _, path := range names {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // deleted in between
		}
		name := filepath.Base(path)
		before, synced := p.synced[name]
		if !synced && p.random.IntN(2) == 0 {
			continue // not even its name had come to the disk
		}
		p.after[name] = p.tear(before, content)
	}
}

// tear mixes what is known to be on disk with what was under way.
func (p *power) tear(before, content []byte) []byte {
	torn := make([]byte, len(content))
	copy(torn, before)
	for at := 0; at < len(content); at += sector {
		if p.random.IntN(2) == 0 {
			end := min(at+sector, len(content))
			copy(torn[at:end], content[at:end])
		}
	}
	return torn
}

// restart lays out what the disk holds for the next process. The journal must
// have been closed. Its list of files, of bbolt, is synced by each change.
func (p *power) restart(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	list, err := os.ReadFile(filepath.Join(p.dir, "wal-meta.db"))
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	files := map[string][]byte{"wal-meta.db": list}
	for name, content := range p.after {
		files[name] = content
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPowerLoss: whatever was not synced when the power fails is dropped or
// torn, and nothing acknowledged is missing. The same journal goes through all
// rounds.
func TestPowerLoss(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	all := &acked{payload: map[uint64]string{}}
	for round := range rounds {
		p := &power{dir: dir, random: random, left: 2 + random.IntN(300), synced: map[string][]byte{}}
		p.runUntilFailure(t, round, all)
		dir = p.restart(t)
		checkAcked(t, round, dir, all)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d records were acknowledged in %d rounds, and are there", len(all.payload), rounds)
	if len(all.payload) < rounds {
		t.Error("so few prove nothing")
	}
}

// runUntilFailure appends and cuts off until the power fails.
func (p *power) runUntilFailure(t *testing.T, round int, all *acked) {
	t.Helper()
	for name, content := range filesOf(t, p.dir) { // durable since the start
		p.synced[name] = content
	}
	o := killOptions
	o.Fault = p.fault
	j, err := disk.Open(p.dir, o)
	if err != nil {
		return // the power failed while it was opened
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			worker := fmt.Sprintf("r%d-w%d", round, w)
			for n := 0; ; n++ {
				payload := killPayload(worker, n)
				seq, err := j.Append(t.Context(), journal.Record{Kind: journal.Message, Employee: worker, Size: n, Payload: []byte(payload)})
				if err != nil {
					return
				}
				mu.Lock()
				all.payload[seq] = payload
				if w == 0 && n%20 == 19 && seq > 200 {
					all.cut = max(all.cut, seq-200)
					_ = j.Truncate(seq - 200) // it may have failed by now
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	_ = j.Close() // what it still does fails
}

// filesOf reads the files of records.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".wal") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = b
	}
	return files
}
