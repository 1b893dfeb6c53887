// Package redisurl reads the URLs of Redis and Valkey, for the settings and for
// journal/redis. It needs the standard library only.
package redisurl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Target is what a URL says: which servers, and how to speak to them.
type Target struct {
	Kind     Kind
	Network  string // tcp or unix, of a single server
	Hosts    []string
	Master   string // name of the primary that the sentinels know
	Username string
	Password string
	DB       int
	TLS      bool

	SentinelUsername, SentinelPassword string
}

// Kind is how the servers are arranged.
type Kind string

// The kinds.
const (
	Single   Kind = "single"
	Sentinel Kind = "sentinel"
	Cluster  Kind = "cluster"
)

var schemes = map[string]struct {
	kind   Kind
	secure bool
	port   string
}{
	"redis":           {Single, false, "6379"},
	"rediss":          {Single, true, "6379"},
	"unix":            {Single, false, ""},
	"redis+sentinel":  {Sentinel, false, "26379"},
	"rediss+sentinel": {Sentinel, true, "26379"},
	"redis+cluster":   {Cluster, false, "6379"},
	"rediss+cluster":  {Cluster, true, "6379"},
}

// Parse reads the URL of a Redis or Valkey:
//
//	redis://user:password@host:6379/0            rediss:// with TLS
//	unix:///run/redis/redis.sock?db=0
//	redis+sentinel://user:password@host:26379,host:26379/NAME?db=0&sentinel_password=…
//	redis+cluster://user:password@host:6379,host:6379
//
// An error does not show the password.
func Parse(s string) (Target, error) {
	scheme, rest, found := strings.Cut(s, "://")
	known, ok := schemes[scheme]
	if !found || !ok {
		return Target{}, errors.New("must start with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://")
	}
	t := Target{Kind: known.kind, Network: "tcp", TLS: known.secure}
	// Several hosts are no URL to Go, so they are taken out before.
	authority, path := cutAny(rest)
	userinfo, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		userinfo, hosts = authority[:at+1], authority[at+1:]
	}
	u, err := url.Parse("redis://" + userinfo + "host" + path)
	if err != nil {
		return Target{}, errors.New("cannot be read; an example is redis://user:password@host:6379/0")
	}
	if u.User != nil {
		t.Username = u.User.Username()
		t.Password, _ = u.User.Password()
	}
	if scheme == "unix" {
		t.Network, t.Hosts = "unix", []string{u.Path}
		if hosts != "" || u.Path == "" {
			return Target{}, errors.New("unix:// must be followed by the path of the socket, as in unix:///run/redis/redis.sock")
		}
	} else if t.Hosts, err = splitHosts(hosts, known.port); err != nil {
		return Target{}, err
	}
	return t, t.rest(u, scheme)
}

// cutAny cuts where the authority ends.
func cutAny(s string) (before, from string) {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func splitHosts(s, port string) ([]string, error) {
	var hosts []string
	for _, h := range strings.Split(s, ",") {
		if h == "" {
			return nil, errors.New("a host is missing; an example is redis://host:6379/0")
		}
		name, p, err := net.SplitHostPort(h)
		if err != nil {
			name, p = strings.Trim(h, "[]"), port
		}
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || strings.ContainsAny(name, "[]@ ") || strings.Contains(name, ":") && !isAddress(name) {
			return nil, fmt.Errorf("%q is not host:port", h)
		}
		hosts = append(hosts, net.JoinHostPort(name, p))
	}
	return hosts, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// rest reads path and query.
func (t *Target) rest(u *url.URL, scheme string) error {
	db := ""
	path := strings.Trim(u.Path, "/")
	switch {
	case scheme == "unix":
	case t.Kind == Sentinel:
		if t.Master = path; path == "" || strings.Contains(path, "/") {
			return errors.New("the name of the primary is missing: redis+sentinel://host:26379,host:26379/NAME")
		}
	case t.Kind == Cluster && path != "" && path != "0":
		return errors.New("a cluster has only database 0: leave the path out")
	default:
		db = path
	}
	if t.Kind == Single && len(t.Hosts) > 1 {
		return errors.New("names several hosts: use redis+sentinel:// or redis+cluster://")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("has a query that cannot be read")
	}
	for key, values := range query {
		switch key {
		case "db":
			db = values[0]
		case "sentinel_username":
			t.SentinelUsername = values[0]
		case "sentinel_password":
			t.SentinelPassword = values[0]
		default:
			return fmt.Errorf("%s is not known in it; db, sentinel_username and sentinel_password are", key)
		}
	}
	if db != "" {
		if t.DB, err = strconv.Atoi(db); err != nil || t.DB < 0 {
			return fmt.Errorf("%q is not the number of a database", db)
		}
	}
	return nil
}

// TLSConfig verifies the servers by their names and the system's authorities;
// nil without TLS.
func (t Target) TLSConfig() *tls.Config {
	if !t.TLS {
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if host, _, err := net.SplitHostPort(t.Hosts[0]); err == nil && t.Kind == Single {
		c.ServerName = host
	}
	return c
}
