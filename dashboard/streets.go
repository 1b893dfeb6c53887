package dashboard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// errNotPMTiles is said of a street map that is no archive of tiles.
var errNotPMTiles = errors.New("not a PMTiles archive of version 3")

// streetsPath is where the archive of street tiles is served, whatever the
// file is called: its path is nobody's business.
const streetsPath = "streets.pmtiles"

// archive is a file of street tiles on this machine: one file in which browsers
// look tiles up by Range requests, so that no tile server is needed.
// (PMTiles, version 3: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md)
func (s *server) archive() (path string, ok bool) {
	return strings.CutPrefix(s.MapStyle, "pmtiles:")
}

// publicMapStyle is map.style as browsers need it.
func (s *server) publicMapStyle() string {
	if _, ok := s.archive(); ok {
		return "pmtiles:" + streetsPath
	}
	return s.MapStyle
}

// routeStreets serves the archive of street tiles, if there is one. It is opened
// for each request, so that it can be replaced (by rename) while the server runs; a browser that
// has seen the old one finds another ETag and begins anew. One that is missing
// is no reason to let no phone in: pages show the built-in map and say so.
func (s *server) routeStreets(mux *http.ServeMux) {
	path, ok := s.archive()
	if !ok {
		return
	}
	if err := checkArchive(path); err != nil {
		s.Logger.Error("the street map of map.style cannot be used; the built-in map is shown until it can", "error", err)
	}
	mux.HandleFunc("GET /"+streetsPath, func(w http.ResponseWriter, r *http.Request) {
		if err := serveArchive(w, r, path); err != nil {
			s.Logger.Error("the street map cannot be read", "error", err)
			http.Error(w, "The street map cannot be read.", http.StatusNotFound)
		}
	})
}

func serveArchive(w http.ResponseWriter, r *http.Request, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/vnd.pmtiles")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	h.Set("Cache-Control", "public, max-age=3600")
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// checkArchive looks at the first bytes, so that a wrong file is found at the
// start, in the log, and not only by whoever opens the map.
func checkArchive(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 8)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "PMTiles\x03" {
		return fmt.Errorf("%s: %w", path, errNotPMTiles)
	}
	return nil
}
