package sqlite_test

import (
	"path/filepath"
	"testing"

	"fieldcast/store/sqlite"
	"fieldcast/store/storetest"
	"fieldcast/track"
)

// open opens the store at path and closes it when the test ends.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) track.Store { return open(t, filepath.Join(t.TempDir(), "data", "fieldcast.db")) })
}
