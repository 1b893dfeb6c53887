package postgres_test

import (
	"testing"

	"fieldcast/store/storetest"
	"fieldcast/track"
)

func BenchmarkCommit(b *testing.B) {
	storetest.BenchmarkCommit(b, func(b *testing.B) track.Store { return open(b, database(b)) })
}

func BenchmarkFixesDay(b *testing.B) {
	storetest.BenchmarkFixesDay(b, func(b *testing.B) track.Store { return open(b, database(b)) })
}
