//go:build unix

package disk

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a file for this process, or returns errLocked. The kernel
// unlocks it when the process ends, however it ends.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
