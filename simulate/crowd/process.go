package crowd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Usage is what a process, with all that it has started, has used.
type Usage struct {
	CPU time.Duration // of user and system, since its start
	RSS int64         // bytes in memory now; what processes share counts for each
}

// userHZ is the unit of times in /proc, the same on all Linux systems that
// programs see [proc(5), sysconf(3) _SC_CLK_TCK].
const userHZ = 100

// ErrNoProc says that this system has no /proc to read usage from.
var ErrNoProc = errors.New("usage is read from /proc, which only Linux has")

// ReadUsage reads it from /proc. Returns [ErrNoProc] where there is none, and
// [os.ErrNotExist] if there is no such process.
func ReadUsage(pid int) (Usage, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return Usage{}, ErrNoProc
	}
	all := map[int]process{}
	children := map[int][]int{}
	for _, file := range stats {
		p, err := readProcess(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		all[p.pid] = p
		children[p.parent] = append(children[p.parent], p.pid)
	}
	if _, ok := all[pid]; !ok {
		return Usage{}, fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	var u Usage
	for family := []int{pid}; len(family) > 0; family = family[1:] {
		p := all[family[0]]
		u.CPU += p.CPU
		u.RSS += p.RSS
		family = append(family, children[p.pid]...)
	}
	return u, nil
}

// process is a line of /proc: its own usage, and that of children that ended.
type process struct {
	pid, parent int
	Usage
}

func readProcess(file string) (process, error) {
	line, err := os.ReadFile(file) //nolint:gosec // of /proc
	if err != nil {
		return process{}, err
	}
	// The name is in parentheses and may hold anything.
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("%s: %w", file, errors.ErrUnsupported)
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	fields := bytes.Fields(line[end+1:]) // from the third on [proc(5)]
	const parent, utime, cstime, rss, most = 4 - 3, 14 - 3, 17 - 3, 24 - 3, 24 - 2
	if err != nil || len(fields) < most {
		return process{}, fmt.Errorf("%s: %w", file, errors.ErrUnsupported)
	}
	number := func(i int) (n int64) {
		v, e := strconv.ParseInt(string(fields[i]), 10, 64)
		err = errors.Join(err, e)
		return v
	}
	p := process{pid: pid, parent: int(number(parent))}
	for i := utime; i <= cstime; i++ {
		p.CPU += time.Duration(number(i)) * (time.Second / userHZ)
	}
	p.RSS = number(rss) * int64(os.Getpagesize())
	return p, err
}
