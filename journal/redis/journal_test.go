package redis_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"fieldcast/journal"
	"fieldcast/journal/journaltest"
	"fieldcast/journal/redis"

	goredis "github.com/redis/go-redis/v9"
)

var prefixes atomic.Int64

// prefix returns one that no other test uses, and removes its keys at the end.
func prefix(t testing.TB, url string) string {
	t.Helper()
	p := fmt.Sprintf("test-%d-%d", os.Getpid(), prefixes.Add(1))
	t.Cleanup(func() {
		o, err := goredis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewClient(o)
		defer c.Close()
		c.Del(context.Background(), "{"+p+":0}:log", "{"+p+":0}:state")
	})
	return p
}

// conform runs the suite; o gives the options of a folder's journal.
func conform(t *testing.T, url string, o redis.Options) {
	byDir := map[string]string{}
	journaltest.Run(t, func(t *testing.T, dir string, maxBytes int64) journal.Journal {
		t.Helper()
		if byDir[dir] == "" {
			byDir[dir] = prefix(t, url)
		}
		o.URL, o.Prefix, o.MaxBytes = url, byDir[dir], maxBytes
		j, err := redis.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return j
	})
}

func TestConformance(t *testing.T) { conform(t, shared(t), redis.Options{}) }

// With next to nothing in memory, readers live from Redis.
func TestConformanceFromRedis(t *testing.T) {
	conform(t, shared(t), redis.Options{TailRecords: 2, TailBytes: 10 << 10})
}

// Two shards of one prefix know nothing of each other.
func TestShards(t *testing.T) {
	url := shared(t)
	p := prefix(t, url)
	var js [2]*redis.Journal
	for i := range js {
		js[i] = mustOpen(t, redis.Options{URL: url, Prefix: p, Shard: i})
	}
	for i, j := range js {
		for n := range 3 + i {
			if seq, err := j.Append(t.Context(), message(fmt.Sprint("shard", i), n)); err != nil || seq != uint64(n+1) {
				t.Fatalf("shard %d: number %d, error %v", i, seq, err)
			}
		}
	}
	for i, j := range js {
		if s := j.Stats(); s.Last != uint64(3+i) {
			t.Errorf("shard %d: %+v", i, s)
		}
		rs, err := j.Read(t.Context(), 1, 1)
		if err != nil || rs[0].Employee != fmt.Sprint("shard", i) {
			t.Errorf("shard %d: %v, error %v", i, rs, err)
		}
	}
}

// The bytes that a journal counts are about what Redis takes for them.
func TestBytesAreHonest(t *testing.T) {
	p := start(t)
	j := mustOpen(t, redis.Options{URL: p.url()})
	used := func() int64 {
		for line := range strings.Lines(p.do("INFO", "memory").(string)) {
			if digits, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory_dataset:"); ok {
				var n int64
				fmt.Sscan(digits, &n)
				return n
			}
		}
		t.Fatal("INFO memory has no used_memory_dataset")
		return 0
	}
	before := used()
	fill(t, j, 20_000, 180)
	took, counted := used()-before, j.Stats().Bytes
	t.Logf("20,000 records of 180 bytes of payload: %d bytes counted, %d in redis", counted, took)
	if took > counted*12/10 || counted > took*2 {
		t.Errorf("counted %d bytes, redis took %d", counted, took)
	}
	if err := j.Truncate(j.Stats().Last); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the memory comes back", func() bool { return j.Stats().Bytes == 0 && used()-before < took/10 })
}

// fill appends n records of a size, many at a time.
func fill(t testing.TB, j journal.Journal, n, size int) {
	t.Helper()
	errs := make(chan error, 100)
	for range 100 {
		go func() {
			for range n / 100 {
				if _, err := j.Append(t.Context(), journal.Record{Kind: journal.Message, Company: "acme", Employee: "e17", Topic: "fc/acme/e17", Payload: make([]byte, size)}); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 100 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// A journal that was never opened answers as a closed one.
func TestZeroValue(t *testing.T) {
	j := new(redis.Journal)
	if _, err := j.Append(t.Context(), journal.Record{}); err != journal.ErrClosed { //nolint:errorlint // as it is
		t.Errorf("append: %v", err)
	}
	if _, err := j.Read(t.Context(), 1, 1); err != journal.ErrClosed { //nolint:errorlint // as it is
		t.Errorf("read: %v", err)
	}
	for what, err := range map[string]error{"truncate": j.Truncate(1), "skip": j.Skip(1), "status": j.Status()} {
		if err != journal.ErrClosed { //nolint:errorlint // as it is
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if s := j.Stats(); s.First != 1 || s.Last != 0 {
		t.Errorf("stats: %+v", s)
	}
}
