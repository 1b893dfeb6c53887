package sqlite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"fieldcast/store/internal/row"
)

// checkTime is how long a start looks for damage. That is enough for some GB;
// a larger file is looked at as far as the time allows.
const checkTime = 5 * time.Second

// wasUnclean reports whether the last process with the file open did not close
// it, or still has it: then its write-ahead log is there.
func wasUnclean(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// quickCheck looks at the structure of the whole file: pages that cannot be
// read, rows in the wrong place or of the wrong kind. Values that have changed
// and still look like values are not found by it; those of fixes are when they
// are read, by their digest.
func (s *Store) quickCheck(ctx context.Context) error {
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var found string
	err := s.writer.QueryRowContext(limited, "PRAGMA quick_check(1)").Scan(&found)
	switch {
	case limited.Err() != nil && ctx.Err() == nil:
		s.log.Info("the database was not closed orderly; it is too large to be looked at as a whole", "looked_for", checkTime)
		return nil
	case err != nil:
		return err
	case found != "ok":
		return fmt.Errorf("%w (%s)", row.ErrDamaged, strings.Join(strings.Fields(found), " "))
	}
	s.log.Debug("the database was not closed orderly, and is not damaged", "took", time.Since(begun))
	return nil
}
