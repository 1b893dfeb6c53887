package dashboard

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"fieldcast/identity"
	"fieldcast/track"
)

const cookieName = "fieldcast_session"

// cookieName is the name of the session cookie. The prefix makes browsers
// refuse one that another host of the domain tries to plant (RFC 6265bis, 4.1.3.2).
func (s *server) cookieName() string {
	if s.BehindTLS {
		return "__Host-" + cookieName
	}
	return cookieName
}

func (s *server) cookie(value string, expires time.Time) http.Cookie {
	return http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", Expires: expires,
		HttpOnly: true, Secure: s.BehindTLS, SameSite: http.SameSiteStrictMode,
	}
}

type loginInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" example:"asha@acme.example"`
		Password string `json:"password" maxLength:"1024"`
	}
}

// granted is what the web app gets to work with.
type granted struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	NoStore   string        `header:"Cache-Control"`
	Body      struct {
		Token       string     `json:"token" doc:"For MQTT (as password) and REST (as Bearer)."`
		ExpiresAt   time.Time  `json:"expires_at"`
		Email       string     `json:"email"`
		Name        string     `json:"name"`
		Role        track.Role `json:"role"`
		Company     string     `json:"company"`
		CompanyName string     `json:"company_name"`
	}
}

func (s *server) login(ctx context.Context, in *loginInput) (*granted, error) {
	if err := s.sameOrigin(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	session, err := s.Identities.Login(identity.WithRemote(ctx, remote(ctx)), in.Body.Email, in.Body.Password)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	access, err := s.Identities.Access(ctx, session.Cookie)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := s.grant(ctx, access)
	out.SetCookie = []http.Cookie{s.cookie(session.Cookie, session.ExpiresAt)}
	return out, nil
}

func (s *server) session(ctx context.Context, _ *struct{}) (*granted, error) {
	if err := s.sameOrigin(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	cookie, err := request(ctx).Cookie(s.cookieName())
	if err != nil {
		return nil, s.fail(ctx, track.ErrUnauthorized)
	}
	access, err := s.Identities.Access(ctx, cookie.Value)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return s.grant(ctx, access), nil
}

func (s *server) grant(ctx context.Context, a identity.Access) *granted {
	out := &granted{NoStore: "no-store"}
	if a.Cookie != "" {
		out.SetCookie = []http.Cookie{s.cookie(a.Cookie, a.CookieExpiresAt)}
	}
	out.Body.Token, out.Body.ExpiresAt = a.Token, a.ExpiresAt.UTC()
	out.Body.Email, out.Body.Role, out.Body.Company = a.Identity.Subject, a.Identity.Role, a.Identity.Company
	// Names are an ornament: without a database the page works without them.
	if user, err := s.Store.User(ctx, a.Identity.Subject); err == nil {
		out.Body.Name = user.Name
	}
	out.Body.CompanyName = s.companyName(ctx, a.Identity.Company)
	return out
}

func (s *server) companyName(ctx context.Context, id string) string {
	companies, err := s.Store.Companies(ctx)
	if err != nil {
		return id
	}
	for _, c := range companies {
		if c.ID == id && c.Name != "" {
			return c.Name
		}
	}
	return id
}

type loggedOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (s *server) logout(ctx context.Context, _ *struct{}) (*loggedOut, error) {
	if err := s.sameOrigin(ctx); err != nil {
		return nil, s.fail(ctx, err)
	}
	gone := s.cookie("", time.Unix(1, 0))
	gone.MaxAge = -1
	return &loggedOut{SetCookie: []http.Cookie{gone}}, nil
}

// sameOrigin refuses a browser that another site has sent. Programs, which
// send neither header, have no cookies to abuse.
func (s *server) sameOrigin(ctx context.Context) error {
	r := request(ctx)
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return track.ErrForbidden
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
		return track.ErrForbidden
	}
	return nil
}

func request(ctx context.Context) *http.Request { return ctx.Value(requestKey).(*http.Request) }

// remote is the address that login attempts are counted by.
func remote(ctx context.Context) string {
	addr := request(ctx).RemoteAddr
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

type settingsOutput struct {
	Body struct {
		Version string    `json:"version"`
		At      time.Time `json:"at" doc:"The server's clock."`
		Map     struct {
			Style       string `json:"style" doc:"pmtiles:PATH on this server, style:URL or raster:URL-TEMPLATE. Empty: the built-in world map."`
			Attribution string `json:"attribution"`
		} `json:"map"`
	}
}

func (s *server) settings(context.Context, *struct{}) (*settingsOutput, error) {
	out := &settingsOutput{}
	out.Body.Version, out.Body.At = s.Version, s.Now().UTC()
	out.Body.Map.Style, out.Body.Map.Attribution = s.publicMapStyle(), s.MapAttribution
	return out, nil
}
