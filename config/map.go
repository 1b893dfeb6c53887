package config

import (
	"fmt"
	"net/url"
	"strings"
)

// validate says what is wrong with the map: an address that a browser could
// make nothing of would show as a map that fails for no reason.
func (m Map) validate() []error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...))
	}
	switch kind, address, _ := strings.Cut(m.Style, ":"); kind {
	case "":
		if m.Style != "" {
			bad("map.style", "%q must start with pmtiles:, style: or raster:", m.Style)
		}
	case "pmtiles":
		if address == "" {
			bad("map.style", "name the file after pmtiles:, like pmtiles:/var/lib/fieldcast/city.pmtiles")
		}
	case "style", "raster":
		if u, err := url.Parse(address); err != nil || !isOrigin(u) {
			bad("map.style", "%q: after %s: comes an address that begins with https:// or http://", m.Style, kind)
		}
		if kind == "raster" && !holdsTile(address) {
			bad("map.style", "%q: the address of raster tiles holds {z}, {x} and {y}", m.Style)
		}
	default:
		bad("map.style", "%q must start with pmtiles:, style: or raster:", m.Style)
	}
	for _, host := range m.Hosts {
		if u, err := url.Parse(host); err != nil || !isOrigin(u) || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" {
			bad("map.hosts", "%q is no origin like https://tiles.example.com", host)
		}
	}
	return errs
}

// holdsTile reports whether an address has places for the three numbers of a tile.
func holdsTile(address string) bool {
	for _, number := range []string{"{z}", "{x}", "{y}"} {
		if !strings.Contains(address, number) {
			return false
		}
	}
	return true
}

// isOrigin refuses a password, too: every browser would be told it.
func isOrigin(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsAny(u.Host, " ;,'\"")
}
