package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program returns the path of the program: what FIELDCAST_BIN names, or one
// that is built now. remove deletes what was built.
func Program() (path string, remove func(), err error) {
	if path = os.Getenv("FIELDCAST_BIN"); path != "" {
		if path, err = filepath.Abs(path); err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return "", nil, fmt.Errorf("FIELDCAST_BIN: %w", err)
		}
		return path, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "fieldcast-bin-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // a folder of ours below the system's for such things
	path = filepath.Join(dir, "fieldcast")
	build := exec.Command("go", "build", "-o", path, "fieldcast/cmd/fieldcast") //nolint:gosec,noctx // the program under test
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, remove, nil
}
