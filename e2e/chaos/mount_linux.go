package main

import (
	"errors"
	"os"
	"syscall"
)

// canMount says why no small disk can be made here.
func canMount() error {
	if os.Geteuid() != 0 {
		return errors.New("needs root, to mount a small tmpfs")
	}
	return nil
}

// mount makes a disk of 192 MB at a folder; unmount gives it back.
func mount(dir string) (unmount func() error, err error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=192m"); err != nil {
		return nil, err
	}
	return func() error { return syscall.Unmount(dir, syscall.MNT_DETACH) }, nil
}
