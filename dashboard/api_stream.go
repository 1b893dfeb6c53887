package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fieldcast/feed"
	"fieldcast/track"
)

type streamInput struct {
	Company     string `path:"company"`
	LastEventID string `header:"Last-Event-ID" doc:"The seq of the last frame that arrived: the stream begins with what changed after it."`
	After       string `query:"after" doc:"The same for a first request, where a browser cannot set the header." pattern:"^[0-9]{0,19}$"`
}

// streamFrame is a frame in the OpenAPI document.
type streamFrame struct {
	feed.Frame
	Complete bool `json:"complete,omitempty" doc:"True: everybody, in place of what was there. Absent: rows to put in place."`
}

func (s *server) registerStream(api huma.API) {
	op := operation(http.MethodGet, "/companies/{company}/stream", "stream", "Changes as they come (server-sent events)", []int{401, 403, 404, 429})
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[streamFrame](), true, "LiveFrame")
	op.Responses = map[string]*huma.Response{"200": {
		Description: "A stream of events. Those without a name carry a frame as data and its seq as id; the event alive comes when nothing else does, the event end says why the stream ends.",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: schema}},
	}}
	huma.Register(api, op, s.stream)
}

func (s *server) stream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	id, err := member(ctx, in.Company, readers...)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	after, err := lastEvent(in)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	watching, leave, err := s.watch(ctx, "stream", in.Company, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		var err error
		defer func() { leave(err) }() // also when something panics
		r, w := humago.Unwrap(c)
		err = s.serveStream(watching, newEventWriter(w, s.Streams.Write), r.Method == http.MethodHead, in.Company, id, after)
	}}, nil
}

// watch counts somebody in, and looks once more whether they may: a revocation
// since then would have found nobody to tell.
func (s *server) watch(ctx context.Context, kind, company string, id track.Identity) (context.Context, func(error), error) {
	watching, leave, err := s.watchers.begin(ctx, kind, company, id, s.Now(), s.Stopping)
	if err != nil {
		return nil, nil, err
	}
	if r, ok := ctx.Value(requestKey).(*http.Request); ok {
		if again := s.identify(r); again.err != nil {
			leave(errRevoked)
			return nil, nil, again.err
		}
	}
	return watching, leave, nil
}

// lastEvent returns where the reader stands; unknown if it stands nowhere.
func lastEvent(in *streamInput) (track.Optional[uint64], error) {
	text, field := strings.TrimSpace(in.LastEventID), "Last-Event-ID"
	if text == "" {
		text, field = in.After, "after"
	}
	if text == "" {
		return track.Optional[uint64]{}, nil
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return track.Optional[uint64]{}, track.Invalid(field, "%.40q is not a sequence number", text)
	}
	return track.Some(seq), nil
}

// serveStream writes until ctx ends or the reader fails, and returns why.
func (s *server) serveStream(ctx context.Context, w *eventWriter, headOnly bool, company string, id track.Identity, after track.Optional[uint64]) error {
	if err := w.begin(!headOnly); err != nil || headOnly {
		return err
	}
	follower := s.follow(company, id)
	defer follower.close()
	first := follower.since(after.Value)
	if !after.Known {
		first = follower.everybody()
	}
	if err := s.send(w, first); err != nil {
		return err
	}
	for {
		frame, ok, err := s.nextOrAlive(ctx, w, follower)
		switch {
		case err != nil:
			return err
		case !ok:
			// The reader may have gone; then this fails, and that is all right.
			_ = w.end(reason(context.Cause(ctx)))
			return errGone
		}
		if err := s.send(w, frame); err != nil {
			return err
		}
	}
}

// nextOrAlive waits for a frame, and says meanwhile that the stream lives. Ok
// is false when ctx has ended.
func (s *server) nextOrAlive(ctx context.Context, w *eventWriter, f *follower) (frame liveFrame, ok bool, err error) {
	for {
		quiet, cancel := context.WithTimeout(ctx, s.Streams.Heartbeat)
		frame, ok = f.next(quiet)
		silent := quiet.Err() != nil
		cancel()
		if ok || ctx.Err() != nil || !silent { // the last: the feed has ended before the server
			return frame, ok, nil
		}
		if err := w.alive(s.Now()); err != nil {
			return frame, false, err
		}
	}
}

func (s *server) send(w *eventWriter, f liveFrame) error {
	body, err := s.frames.encode(f)
	if err != nil {
		s.Logger.Error("a frame cannot be encoded", "company", f.Company, "error", err)
		return err
	}
	return w.frame(f.Seq, body)
}

// eventWriter writes server-sent events (HTML Standard, 9.2), each flushed at
// once and under a deadline of its own.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	within  time.Duration
}

func newEventWriter(w http.ResponseWriter, within time.Duration) *eventWriter {
	return &eventWriter{w, http.NewResponseController(w), within}
}

// padding fills the buffers of proxies that hold back the beginning of an
// answer; 2 KiB is what old browsers and virus scanners wait for.
var padding = ":" + strings.Repeat(" ", 2048) + "\n"

// begin sends the headers and tells the browser when to come back.
func (e *eventWriter) begin(body bool) error {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform") // no-transform: nor compressed on the way
	h.Set("X-Accel-Buffering", "no")                 // nginx
	// The server's limit for reading a request would end the answer with it.
	if err := e.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	e.w.WriteHeader(http.StatusOK)
	if !body {
		return nil
	}
	return e.write(padding + "retry: 2000\n\n")
}

func (e *eventWriter) frame(seq uint64, body []byte) error {
	return e.write(fmt.Sprintf("id: %d\ndata: %s\n\n", seq, body))
}

// alive is a comment for whoever counts bytes, and an event because a page is
// not shown comments.
func (e *eventWriter) alive(now time.Time) error {
	return e.write(fmt.Sprintf(": alive\nevent: alive\ndata: {\"at\":%q}\n\n", now.UTC().Format(time.RFC3339Nano)))
}

// end says why, and lifts the deadline from the connection, which may be used
// again.
func (e *eventWriter) end(why string) error {
	err := e.write(fmt.Sprintf("event: end\ndata: {\"reason\":%q}\n\n", why))
	return errors.Join(err, e.control.SetWriteDeadline(time.Time{}))
}

// write returns errSlow if the reader did not take it in time.
func (e *eventWriter) write(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(e.within)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := e.w.Write([]byte(text))
	if err == nil {
		err = e.control.Flush()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", errSlow, err)
	}
	return err
}
