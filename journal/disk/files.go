package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// files is the file system as raft-wal sees it. It counts the bytes that are
// written, keeps the files private, and reports the first failed write: raft-wal
// itself only logs one that happens while it changes files in the background.
type files struct {
	inner types.VFS
	fault func(Op, string) error
	fail  func(error)

	mu    sync.Mutex
	used  map[string]int64 // bytes in use, by file name
	total int64            // the sum of used
}

var _ types.VFS = (*files)(nil)

func newFiles(fault func(Op, string) error, fail func(error)) *files {
	return &files{inner: fs.New(), fault: fault, fail: fail, used: map[string]int64{}}
}

// bytes returns how many bytes are in use.
func (f *files) bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// beyond returns by how much a file is larger than size.
func (f *files) beyond(name string, size int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(0, f.used[name]-size)
}

// grow notes that a file is in use through n.
func (f *files) grow(name string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if more := n - f.used[name]; more > 0 {
		f.used[name] = n
		f.total += more
	}
}

func (f *files) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total -= f.used[name]
	delete(f.used, name)
}

// failed reports a failed write to the journal and returns it.
func (f *files) failed(op Op, path string, err error) error {
	err = fmt.Errorf("%s %s: %w", op, path, err)
	f.fail(err)
	return err
}

// filer is raft-wal's, with the names of files in its errors.
type filer struct{ *segment.Filer }

// Open implements [types.SegmentFiler].
func (f filer) Open(info types.SegmentInfo) (types.SegmentReader, error) {
	r, err := f.Filer.Open(info)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", segment.FileName(info), err)
	}
	return r, nil
}

// ListDir implements [types.VFS].
func (f *files) ListDir(dir string) ([]string, error) { return f.inner.ListDir(dir) }

// Create implements [types.VFS].
func (f *files) Create(dir, name string, size uint64) (types.WritableFile, error) {
	path := filepath.Join(dir, name)
	if err := f.fault(OpCreate, name); err != nil {
		return nil, f.failed(OpCreate, path, err)
	}
	w, err := f.inner.Create(dir, name, size)
	if err != nil {
		return nil, f.failed(OpCreate, path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		w.Close()
		return nil, f.failed(OpCreate, path, err)
	}
	return &file{WritableFile: w, files: f, dir: dir, name: name}, nil
}

// Delete implements [types.VFS]. A file that stays costs space, not data: the
// journal goes on.
func (f *files) Delete(dir, name string) error {
	if err := f.fault(OpDelete, name); err != nil {
		return err
	}
	if err := f.inner.Delete(dir, name); err != nil {
		return err
	}
	f.forget(name)
	return nil
}

// OpenReader implements [types.VFS].
func (f *files) OpenReader(dir, name string) (types.ReadableFile, error) {
	r, err := f.inner.OpenReader(dir, name)
	if err != nil {
		return nil, err
	}
	return &readFile{ReadableFile: r, files: f, name: name}, nil
}

// OpenWriter implements [types.VFS].
func (f *files) OpenWriter(dir, name string) (types.WritableFile, error) {
	w, err := f.inner.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	return &file{WritableFile: w, files: f, dir: dir, name: name}, nil
}

// file is a file that is written.
type file struct {
	types.WritableFile
	files     *files
	dir, name string
}

func (f *file) WriteAt(b []byte, off int64) (int, error) {
	if err := f.files.fault(OpWrite, f.name); err != nil {
		return 0, f.files.failed(OpWrite, filepath.Join(f.dir, f.name), err)
	}
	n, err := f.WritableFile.WriteAt(b, off)
	if err != nil {
		return n, f.files.failed(OpWrite, filepath.Join(f.dir, f.name), err)
	}
	f.files.grow(f.name, off+int64(n))
	return n, nil
}

func (f *file) Sync() error {
	if err := f.files.fault(OpSync, f.name); err != nil {
		return f.files.failed(OpSync, filepath.Join(f.dir, f.name), err)
	}
	if err := f.WritableFile.Sync(); err != nil {
		return f.files.failed(OpSync, filepath.Join(f.dir, f.name), err)
	}
	return nil
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if err := f.files.fault(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.WritableFile.ReadAt(b, off)
}

// readFile is a file that is only read.
type readFile struct {
	types.ReadableFile
	files *files
	name  string
}

func (f *readFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.files.fault(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.ReadableFile.ReadAt(b, off)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
