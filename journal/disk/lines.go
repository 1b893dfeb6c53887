package disk

import (
	"bytes"
	"log/slog"
)

// lines turns what raft-wal logs into warnings of ours. All of it is about
// files that could not be deleted or begun.
type lines struct{ log *slog.Logger }

func (l lines) Write(b []byte) (int, error) {
	l.log.Warn("journal: " + string(bytes.TrimSpace(b)))
	return len(b), nil
}
