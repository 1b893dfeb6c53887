package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fieldcast/simulate/crowd"
)

// meter reads what a process has used, at the turns of a run.
type meter struct {
	pid                            int // 0: nothing is read
	before, connected, idle, after crowd.Usage
	err                            error
}

func (m *meter) read(into *crowd.Usage) {
	if m.pid == 0 {
		return
	}
	usage, err := crowd.ReadUsage(m.pid)
	*into, m.err = usage, errors.Join(m.err, err)
}

func (m *meter) report(phones, acked int, idle time.Duration) *benchProcess {
	return &benchProcess{
		BytesBefore:   m.before.RSS,
		BytesAPhone:   (m.idle.RSS - m.before.RSS) / int64(max(phones, 1)),
		BytesAfter:    m.after.RSS,
		MicrosAFix:    float64((m.after.CPU - m.idle.CPU).Microseconds()) / float64(max(acked, 1)),
		IdleProcessor: 100 * (m.idle.CPU - m.connected.CPU).Seconds() / max(idle.Seconds(), 1e-9),
	}
}

// readers are the subscribers of a run.
type readers struct {
	reading, stalled []*crowd.Reader
	group            sync.WaitGroup
	errs             []error // of each that reads
}

// subscribe connects readers, and those that never read.
func (b *bench) subscribe(ctx context.Context) (*readers, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rs := &readers{errs: make([]error, b.readers)}
	for i := range b.readers + b.stalled {
		id := fmt.Sprintf("bench-reader-%d", i+1)
		r, err := crowd.NewReader(ctx, crowd.ReaderOptions{
			Addr: b.broker, Filter: b.filter, As: crowd.Phone{Username: "bench", Password: b.token, ClientID: id},
		})
		if err != nil {
			_, ended := rs.end()
			return nil, errors.Join(err, ended)
		}
		if i >= b.readers {
			rs.stalled = append(rs.stalled, r)
			continue
		}
		rs.reading = append(rs.reading, r)
		rs.group.Go(func() { rs.errs[i] = r.Read() })
	}
	return rs, nil
}

// end closes them and adds up what they have seen.
func (rs *readers) end() (crowd.Seen, error) {
	var errs []error
	for _, r := range rs.stalled {
		_ = r.Close() // the server has probably closed it long ago
	}
	for _, r := range rs.reading {
		errs = append(errs, r.Close())
	}
	rs.group.Wait()
	return crowd.SeenBy(rs.reading...), errors.Join(append(errs, rs.errs...)...)
}
