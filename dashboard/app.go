package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// The web app as Vite built it, in static/app. Where it was not built, only the
// placeholder is there, and says how to build it.
//
//go:embed all:static
var static embed.FS

// routeApp serves the web app: its files, and index.html for every path that a
// page may have.
func (s *server) routeApp(mux *http.ServeMux) error {
	files, err := readApp(static)
	if err != nil {
		return err
	}
	s.routeSharePage(mux, files)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		f, ok := files[name]
		if !ok {
			if strings.Contains(path.Base("/"+name), ".") || strings.HasPrefix(name+"/", "api/") {
				http.NotFound(w, r)
				return
			}
			f = files["index.html"]
		}
		f.serve(w, r)
	})
	return nil
}

// routeSharePage serves the page of links to a person's position. What it shows
// comes by the token that stands behind the # of the link, so the page itself is
// the same for everybody; no machine should list it all the same.
func (s *server) routeSharePage(mux *http.ServeMux, files map[string]*file) {
	page := files["share.html"]
	if page == nil { // the app was not built
		page = files["index.html"]
	}
	fresh := *page
	fresh.cache = "no-store"
	mux.HandleFunc("GET /s", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		fresh.serve(w, r)
	})
	mux.Handle("GET /s/{$}", http.RedirectHandler("../s", http.StatusFound)) // what is behind the # stays
}

// file is an embedded file. They have no modification time, so the ETag says
// whether a browser has it.
type file struct {
	name  string
	body  []byte
	kind  string
	etag  string
	cache string
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", f.cache)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body)) // with Range, for .pmtiles
}

// readApp reads the app, or the placeholder in its place.
func readApp(static fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(static, "static/app", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(static, name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "static/app/")
		files[short] = newFile(short, body)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("embedded web app: %w", err)
	}
	if files["index.html"] == nil {
		body, err := fs.ReadFile(static, "static/placeholder.html")
		if err != nil {
			return nil, fmt.Errorf("embedded web app: %w", err)
		}
		files["index.html"] = newFile("index.html", body)
	}
	return files, nil
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{name: name, body: body, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, cache: "no-cache"}
	switch {
	case strings.HasPrefix(name, "assets/"): // Vite writes a hash into their names
		f.cache = "public, max-age=31536000, immutable"
	case strings.HasSuffix(name, ".pmtiles"):
		f.cache = "public, max-age=86400"
	}
	switch ext := path.Ext(name); ext {
	case ".pmtiles":
		f.kind = "application/vnd.pmtiles"
	case ".mjs", ".js":
		f.kind = "text/javascript; charset=utf-8"
	case ".woff2":
		f.kind = "font/woff2"
	case ".webmanifest":
		f.kind = "application/manifest+json"
	default:
		if f.kind = mime.TypeByExtension(ext); f.kind == "" {
			f.kind = "application/octet-stream"
		}
	}
	return f
}
