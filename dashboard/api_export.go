package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fieldcast/export"
	"fieldcast/track"
)

// Bounds of an export. Its memory does not grow with it, but a year takes the
// database a while.
const (
	mostExportDays = 92
	exportPage     = 1000
)

type exportInput struct {
	Company  string `path:"company"`
	Employee string `path:"employee"`
	Format   string `query:"format" enum:"gpx,geojson,kml,csv,ndjson" default:"gpx"`
	From     string `query:"from" doc:"Earliest recorded_at, RFC 3339 or Unix seconds; a day before to if empty." example:"2026-11-01T00:00:00Z"`
	To       string `query:"to" doc:"recorded_at must be before this; the present if empty. At most 92 days after from." example:"2026-12-01T00:00:00Z"`
}

func (s *server) registerExport(api huma.API) {
	op := operation(http.MethodGet, "/companies/{company}/employees/{employee}/export", "export", "A person's fixes as a file", []int{401, 403, 404, 429, 503})
	content := map[string]*huma.MediaType{}
	for _, f := range []export.Format{export.GPX, export.GeoJSON, export.KML, export.CSV, export.NDJSON} {
		content[f.ContentType()] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: content}}
	huma.Register(api, op, s.export)
}

func (s *server) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	id, err := member(ctx, in.Company, readers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if !maySee(id, in.Company, in.Employee) {
		return nil, s.fail(ctx, errNoEmployee)
	}
	person, err := s.employee(ctx, in.Company, in.Employee)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	from, to, err := parseRange(in.From, in.To, s.Now(), mostExportDays)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	f := &fixReader{store: s.Store, filter: track.FixFilter{Company: in.Company, Employee: in.Employee, From: from, To: to, Limit: exportPage}}
	if err := f.next(ctx); err != nil { // while it can still be told as a problem
		return nil, s.fail(ctx, err)
	}
	watching, leave, err := s.watch(ctx, "export", in.Company, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	file := fmt.Sprintf("%s_%s_%s.%s", person.ID, fileTime(from), fileTime(to), in.Format)
	return &huma.StreamResponse{Body: func(c huma.Context) {
		ended := errAnswered
		defer func() { leave(ended) }()
		r, w := humago.Unwrap(c)
		h := w.Header()
		h.Set("Content-Type", export.Format(in.Format).ContentType())
		h.Set("Content-Disposition", `attachment; filename="`+file+`"`) // ids and times need no escaping
		h.Set("Cache-Control", "private, no-store")
		if r.Method == http.MethodHead {
			return
		}
		if err := s.writeExport(watching, w, f, export.Format(in.Format), export.Person{ID: person.ID, Name: person.Name}); err != nil {
			ended = err
			s.Logger.Info("an export was cut off", "request_id", requestID(ctx), "error", err)
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}}, nil
}

// writeExport writes page by page; nothing is held of the database meanwhile.
func (s *server) writeExport(ctx context.Context, w http.ResponseWriter, f *fixReader, format export.Format, p export.Person) error {
	control := http.NewResponseController(w)
	out, err := export.New(format, w, p)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := control.SetWriteDeadline(time.Now().Add(s.Streams.Write)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		for _, fix := range f.page {
			if err := out.Write(fix); err != nil {
				return slowOr(err)
			}
		}
		if f.last {
			return closeExport(out, control)
		}
		if err := f.next(ctx); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return context.Cause(ctx)
}

func closeExport(out export.Writer, control *http.ResponseController) error {
	if err := out.Close(); err != nil {
		return slowOr(err)
	}
	if err := control.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// slowOr names the reader's fault.
func slowOr(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", errSlow, err)
	}
	return err
}

// fixReader reads fixes by pages.
type fixReader struct {
	store  Store
	filter track.FixFilter
	page   []track.Fix
	last   bool
}

func (f *fixReader) next(ctx context.Context) error {
	page, cursor, err := f.store.Fixes(ctx, f.filter)
	if err != nil {
		return err
	}
	f.page, f.filter.After, f.last = page, cursor, cursor == (track.FixCursor{})
	return nil
}

// fileTime is a time as a part of a file's name, on any system.
func fileTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
