//go:build unix && !linux

package main

import "errors"

var errNoMount = errors.New("needs Linux, to mount a small tmpfs")

// canMount says why no small disk can be made here.
func canMount() error { return errNoMount }

// mount makes a small disk, where that is possible.
func mount(string) (func() error, error) { return nil, errNoMount }
