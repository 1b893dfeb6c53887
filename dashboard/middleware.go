package dashboard

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
)

// middleware wraps the routes, outermost first: headers, context, recovery,
// measuring, compression.
func (s *server) middleware(routes http.Handler) (http.Handler, error) {
	compress, err := gzhttp.NewWrapper(
		gzhttp.MinSize(1024),
		gzhttp.EnableZstd(true),
		gzhttp.ContentTypeFilter(compressible),
	)
	if err != nil {
		return nil, err
	}
	return s.secure(s.attach(s.measure(s.recover(exceptStreams(compress(routes), routes))))), nil
}

// exceptStreams keeps what compresses away from streams: it holds back what
// should be seen at once.
func exceptStreams(compressed, plain http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, apiRoot+"/companies/") && strings.HasSuffix(r.URL.Path, "/stream") {
			plain.ServeHTTP(w, r)
			return
		}
		compressed.ServeHTTP(w, r)
	})
}

// compressible leaves alone what is compressed already, above all map tiles,
// of which browsers ask byte ranges.
func compressible(contentType string) bool {
	for _, prefix := range []string{"text/", "application/json", "application/problem+json", "application/openapi+json", "application/javascript", "image/svg+xml",
		"application/gpx+xml", "application/geo+json", "application/vnd.google-earth.kml+xml", "application/x-ndjson"} {
		if strings.HasPrefix(contentType, prefix) {
			return true
		}
	}
	return false
}

// secure sets the headers that keep other people's scripts out of the page.
func (s *server) secure(next http.Handler) http.Handler {
	policy := s.contentSecurityPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin") // tile servers want to know who asks
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.BehindTLS {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy allows this server, and the hosts of a street map if
// one is configured. Map libraries set inline styles; nothing else is inline.
func (s *server) contentSecurityPolicy() string {
	tiles := ""
	_, address, _ := strings.Cut(s.MapStyle, ":")
	for _, from := range append([]string{address}, s.MapHosts...) {
		if u, err := url.Parse(from); err == nil && u.Host != "" {
			tiles += " " + u.Scheme + "://" + u.Host
		}
	}
	return strings.Join([]string{
		"default-src 'self'", "script-src 'self'", "worker-src 'self'", "style-src 'self' 'unsafe-inline'",
		"img-src 'self' data: blob:" + tiles, "font-src 'self'" + tiles, "connect-src 'self'" + tiles,
		"object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
	}, "; ")
}

// attach puts the request, its id and who asks where handlers find them.
func (s *server) attach(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), requestIDKey, rand.Text()[:12])
		w.Header().Set("X-Request-Id", requestID(ctx))
		if strings.HasPrefix(r.URL.Path, apiRoot+"/companies/") {
			ctx = context.WithValue(ctx, callerKey, s.identify(r))
		}
		ctx = context.WithValue(ctx, requestKey, r)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// recover keeps a panic to the request that caused it.
func (s *server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // how net/http is told to cut the connection
			}
			s.Logger.Error("panic in a request", "request_id", requestID(r.Context()), "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
			http.Error(w, "Internal error.", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// measure times requests by route, and logs them at debug level.
func (s *server) measure(next http.Handler) http.Handler {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "fieldcast_http_request_seconds", Help: "Time to answer, by route.",
		Buckets: []float64{.001, .005, .02, .05, .15, .5, 2, 10},
	}, []string{"route", "method", "code"})
	if s.Registerer != nil {
		s.Registerer.MustRegister(seconds)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		took := time.Since(begun)
		_, route, _ := strings.Cut(r.Pattern, " ") // set by the mux; bounded, other than the path
		seconds.WithLabelValues(route, known(r.Method), strconv.Itoa(recorder.status)).Observe(took.Seconds())
		s.Logger.Debug("request", "request_id", requestID(r.Context()), "method", r.Method, "path", r.URL.Path, "status", recorder.status, "took", took)
	})
}

// known bounds a label that strangers choose.
func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "other"
}

// statusRecorder notes the status code. Unwrap lets http.ResponseController
// reach the connection.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
