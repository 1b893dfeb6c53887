package listen

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Forwarded lets h see who a request comes from when it comes through one of
// the proxies: the last address of X-Forwarded-For that is not a proxy's.
// Anybody can write that header, so it is believed from proxies only.
func Forwarded(h http.Handler, proxies []netip.Prefix) http.Handler {
	if len(proxies) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := client(r, proxies); ok {
			copied := *r // a handler must not change a request that it was given
			copied.RemoteAddr = net.JoinHostPort(client.String(), "0")
			r = &copied
		}
		h.ServeHTTP(w, r)
	})
}

func client(r *http.Request, proxies []netip.Prefix) (netip.Addr, bool) {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !contains(proxies, at.Addr()) {
		return netip.Addr{}, false
	}
	var found netip.Addr
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // what is before it, nobody has checked
		}
		found = hop.Unmap()
		if !contains(proxies, hop) {
			break
		}
	}
	return found, found.IsValid()
}
