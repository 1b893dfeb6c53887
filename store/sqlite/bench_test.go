package sqlite_test

import (
	"path/filepath"
	"testing"

	"fieldcast/store/storetest"
	"fieldcast/track"
)

func BenchmarkCommit(b *testing.B) {
	storetest.BenchmarkCommit(b, func(b *testing.B) track.Store { return open(b, filepath.Join(b.TempDir(), "fieldcast.db")) })
}

func BenchmarkFixesDay(b *testing.B) {
	storetest.BenchmarkFixesDay(b, func(b *testing.B) track.Store { return open(b, filepath.Join(b.TempDir(), "fieldcast.db")) })
}
