package binary

import (
	"bytes"
	"sync"
)

// Log collects what a server prints, over restarts. It is safe for concurrent
// use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns everything.
func (l *Log) String() string { return l.Since(0) }

// Len is how much there is, for [Log.Since].
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

// Since returns what came after the first n bytes.
func (l *Log) Since(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b.Bytes()[min(n, l.b.Len()):])
}

// Tail returns the last n bytes at most.
func (l *Log) Tail(n int) string { return l.Since(max(0, l.Len()-n)) }
