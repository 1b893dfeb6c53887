package disk_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/disk"
)

// benchRecord is a publish of OwnTracks' size.
var benchRecord = journal.Record{
	Kind: journal.Message, Company: "acme", Employee: "e1742", Topic: "fc/acme/e1742", Size: 180,
	Payload: make([]byte, 180), ReceivedAt: time.Unix(1_800_000_000, 0),
}

func BenchmarkAppend(b *testing.B) {
	for _, waiters := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("waiters=%d", waiters), func(b *testing.B) {
			j := mustOpen(b, b.TempDir(), disk.Options{})
			defer j.Close()
			var (
				group sync.WaitGroup
				left  atomic.Int64
				mu    sync.Mutex
				took  []time.Duration
			)
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.ResetTimer()
			for range waiters {
				group.Go(func() {
					var mine []time.Duration
					for left.Add(-1) >= 0 {
						began := time.Now()
						if _, err := j.Append(b.Context(), benchRecord); err != nil {
							b.Error(err)
							return
						}
						mine = append(mine, time.Since(began))
					}
					mu.Lock()
					took = append(took, mine...)
					mu.Unlock()
				})
			}
			group.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	const records = 20000
	for name, tail := range map[string]int{"memory": records, "disk": 1} {
		b.Run(name, func(b *testing.B) {
			j := mustOpen(b, b.TempDir(), disk.Options{TailRecords: tail, TailBytes: 64 << 20})
			defer j.Close()
			var group sync.WaitGroup
			for range 1000 {
				group.Go(func() {
					for range records / 1000 {
						if _, err := j.Append(b.Context(), benchRecord); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			seq := uint64(1)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				rs, err := j.Read(b.Context(), seq, 1000)
				if err != nil {
					b.Fatal(err)
				}
				n += len(rs)
				if seq += uint64(len(rs)); seq > records {
					seq = 1
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
