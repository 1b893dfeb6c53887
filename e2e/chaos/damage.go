//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // to hold the write lock

	"fieldcast/e2e/binary"
	"fieldcast/track"
)

// What the server's log says when something acknowledged is missing that
// nothing on disk can tell it about: documented limits, see docs.
const (
	saysTorn = "dropped an unfinished write" // the newest group, which cannot be told from an unfinished one
	saysHole = "the journal starts later than the database ends"
)

// playDamagedJournal damages the journal while it holds what is nowhere else.
func playDamagedJournal(ctx context.Context, w *world) error {
	for range 4 {
		err := w.crash(ctx, func() error { return w.killWithBacklog(ctx, 300+w.random.IntN(900)) })
		if err != nil {
			return err
		}
		files := w.journalFiles()
		if len(files) == 0 {
			return errors.New("the journal has no files")
		}
		files = append(files, files[len(files)-1], filepath.Join(w.server.Data, "journal", "wal-meta.db"))
		if err := w.trial(ctx, files[w.random.IntN(len(files))]); err != nil {
			return err
		}
	}
	return nil
}

// playDamagedDatabase damages SQLite's files as a killed server left them.
func playDamagedDatabase(ctx context.Context, w *world) error {
	for range 8 {
		err := w.crash(ctx, func() error {
			err := w.awaitMoreAcks(ctx, 200+w.random.IntN(400))
			w.kill()
			return err
		})
		if err != nil {
			return err
		}
		file := filepath.Join(w.server.Data, "fieldcast.db")
		if w.random.IntN(3) == 0 {
			file += "-wal"
		}
		if err := w.trial(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// crash lets a crowd publish, ends the server by kill, and takes the crowd's
// ledger as it is then.
func (w *world) crash(ctx context.Context, kill func() error) error {
	if err := errors.Join(w.begin(ctx), w.awaitAcks(ctx, 100), kill()); err != nil {
		return err
	}
	l := w.load
	w.load = nil
	l.cancel() // nobody is left to deliver to
	<-l.done
	if l.ledger == nil {
		return l.err
	}
	w.settled = append(w.settled, settlement{ledger: l.ledger})
	return nil
}

// holdDatabase keeps the server from writing to its database, until release.
func (w *world) holdDatabase(ctx context.Context) (release func() error, err error) {
	if w.pg != nil {
		return w.pg.start, w.pg.stop("immediate")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.server.Data, "fieldcast.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db.Close, nil
}

// trial damages a file, starts the server, and looks whether it notices or is
// right all the same. Then everything is put back as it was, and must be whole.
func (w *world) trial(ctx context.Context, file string) error {
	restore, err := w.backUp(ctx)
	if err != nil {
		return err
	}
	what, err := damage(w.random, file)
	if err != nil {
		return err
	}
	// On other ports, so that no watcher takes it for the one it follows.
	usual := [2]string{w.server.HTTP, w.server.MQTT}
	for _, addr := range []*string{&w.server.HTTP, &w.server.MQTT} {
		if *addr, err = binary.FreeAddr(); err != nil {
			return err
		}
	}
	from := w.server.Log.Len()
	if err := w.launch(); err != nil {
		return err
	}
	o := w.awaitOutcome(ctx, from, 20*time.Second)
	if o.err == nil && o.kind == serves {
		o.said, o.err = w.judgeDamaged(ctx, from)
	}
	w.kill()
	w.server.HTTP, w.server.MQTT = usual[0], usual[1]
	w.note("%s: %v", what, o)
	if o.err != nil {
		return fmt.Errorf("%s: %v: %w", what, o, o.err)
	}
	if err := errors.Join(restore(), w.start(ctx)); err != nil {
		return fmt.Errorf("with the files put back: %w", err)
	}
	return w.check(ctx)
}

// backUp copies everything that the server has written; restore puts it back.
// The server must not run.
func (w *world) backUp(ctx context.Context) (restore func() error, err error) {
	backup := filepath.Join(w.dir, "backup")
	if err := os.CopyFS(backup, os.DirFS(w.server.Data)); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(backup, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600) // as the server makes its files
	})
	if err == nil && w.pg != nil {
		err = w.pg.backUp(ctx)
	}
	return func() error {
		err := errors.Join(os.RemoveAll(w.server.Data), os.Rename(backup, w.server.Data))
		if w.pg != nil {
			err = errors.Join(err, w.pg.putBack(ctx))
		}
		return err
	}, err
}

// judgeDamaged compares what a server serves from damaged files. Nothing may be
// there that was never sent; what is missing must have been said.
func (w *world) judgeDamaged(ctx context.Context, from int) (said string, err error) {
	lost := 0
	for _, s := range w.settled {
		var unreadable error
		v, err := s.ledger.CheckCompanies(func(company, employee string) ([]track.Fix, error) {
			fixes, err := w.server.Fixes(company, employee, w.tokens[company])
			if err != nil && strings.Contains(err.Error(), ": 500 ") {
				unreadable = err
			}
			return fixes, err
		})
		switch {
		case unreadable != nil:
			return "says that it is damaged when it is read", binary.Await(ctx, 2*time.Second, "the log says that it is damaged", func() bool {
				return strings.Contains(w.server.Log.Since(from), "damaged") // it may come behind the answer
			})
		case err != nil:
			return "", err
		case v.Foreign > 0 || v.Twice > 0 || v.OutOfOrder > 0:
			return "", v.Err()
		}
		lost += v.Lost
	}
	if lost == 0 {
		return "everything is right", nil
	}
	for _, says := range []string{saysTorn, saysHole} {
		if strings.Contains(w.server.Log.Since(from), says) {
			return fmt.Sprintf("%d fixes are missing, and the log says: %s", lost, says), nil
		}
	}
	return "", fmt.Errorf("%d acknowledged fixes are missing, and nothing was said", lost)
}

// damage changes a file, somewhere in what is in use.
func damage(random *rand.Rand, file string) (what string, err error) {
	b, err := os.ReadFile(file) //nolint:gosec // in a folder of ours
	if err != nil {
		return "", err
	}
	used := len(bytes.TrimRight(b, "\x00"))
	if used == 0 {
		return filepath.Base(file) + " is empty: left as it is", nil
	}
	at := random.IntN(used)
	switch random.IntN(4) {
	case 0:
		what, b = "cut off at %d", b[:at]
	case 1:
		what = "4 kB of zeros at %d"
		at = at / 4096 * 4096
		clear(b[at:min(at+4096, len(b))])
	default:
		what = "a bit flipped at %d"
		b[at] ^= 1 << random.IntN(8)
	}
	return fmt.Sprintf("%s, "+what, filepath.Base(file), at), os.WriteFile(file, b, 0o600)
}
