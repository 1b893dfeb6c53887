//go:build !linux && !darwin && !windows

package disk

import "math"

// freeSpace does not know on this system: a full disk is then a failed write.
func freeSpace(string) (int64, error) { return math.MaxInt64, nil }
