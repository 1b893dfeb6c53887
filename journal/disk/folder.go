package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file that shows that a process has the folder.
const lockName = "lock"

var errLocked = errors.New("locked by another process")

// claimFolder makes the folder, private to this user, and locks it for this
// process. Closing the file gives it back.
func claimFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The folder may have come with wider permissions than those of new ones.
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs x
		return nil, err
	}
	if err := syncDir(filepath.Dir(filepath.Clean(dir))); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryLock(f); err != nil {
		f.Close()
		if errors.Is(err, errLocked) {
			return nil, fmt.Errorf("journal %s is in use by another process", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}
