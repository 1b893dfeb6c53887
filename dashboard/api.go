package dashboard

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fieldcast/track"
)

// routeAPI is the table of the REST interface.
func (s *server) routeAPI(mux *http.ServeMux) {
	api := humago.New(mux, s.apiConfig())

	post(api, "/login", "login", "Log in with e-mail address and password", s.login, 401, 403, 429, 503)
	post(api, "/session", "session", "Get a fresh access token for the session cookie", s.session, 401, 403)
	post(api, "/logout", "logout", "Remove the session cookie", s.logout, 403)
	get(api, "/settings", "settings", "What the web app must know before anybody logs in", s.settings)

	s.registerPositions(api)
	s.registerStream(api)
	get(api, "/companies/{company}/employees", "employees", "Everybody, with state and presence", s.employees, 401, 403, 404, 503)
	get(api, "/companies/{company}/employees/{employee}/fixes", "fixes", "A person's fixes, oldest first", s.fixes, 401, 403, 404, 503)
	get(api, "/companies/{company}/employees/{employee}/days", "days", "A person's days in figures", s.days, 401, 403, 404, 503)
	get(api, "/companies/{company}/employees/{employee}/track", "track", "A person's trips, stops and gaps", s.track, 401, 403, 404, 503)
	s.registerExport(api)
	s.registerShares(api)
	get(api, "/companies/{company}/stats", "stats", "How much is stored", s.stats, 401, 403, 404, 503)
	get(api, "/companies/{company}/rejected", "rejected", "What could not be read, newest first", s.rejected, 401, 403, 404, 503)
}

const apiRoot = "/api/v1"

func (s *server) apiConfig() huma.Config {
	c := huma.DefaultConfig("Fieldcast", "1")
	c.Info.Description = "Where a field team is, and where it was. Lengths are metres, speeds metres a second, times UTC; what is not known is left out."
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = ""    // its page would load scripts from elsewhere
	c.SchemasPath = "" // all are in the document
	c.CreateHooks = nil
	c.Transformers = []huma.Transformer{s.problems}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"cookie": {Type: "apiKey", In: "cookie", Name: cookieName},
	}
	types := c.Components.Schemas
	alias(types, track.Optional[float64]{}, float64(0))
	alias(types, track.Optional[int]{}, 0)
	alias(types, track.Optional[bool]{}, false)
	alias(types, track.Marks(0), "")
	return c
}

// alias makes the document show a type as what its JSON is.
func alias[T, As any](r huma.Registry, _ T, _ As) {
	r.RegisterTypeAlias(reflect.TypeFor[T](), reflect.TypeFor[As]())
}

func get[I, O any](api huma.API, path, id, summary string, handler func(ctx context.Context, in *I) (*O, error), errs ...int) {
	huma.Register(api, operation(http.MethodGet, path, id, summary, errs), handler)
}

func post[I, O any](api huma.API, path, id, summary string, handler func(ctx context.Context, in *I) (*O, error), errs ...int) {
	huma.Register(api, operation(http.MethodPost, path, id, summary, errs), handler)
}

func operation(method, path, id, summary string, errs []int) huma.Operation {
	op := huma.Operation{
		OperationID: id, Method: method, Path: apiRoot + path, Summary: summary, Errors: errs,
		MaxBodyBytes: 16 << 10, // the largest body is a login
	}
	if method == http.MethodGet && len(errs) > 0 {
		op.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	return op
}
