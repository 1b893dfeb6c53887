package payload

import "strings"

// private are keys whose values are not kept: names of Wi-Fi networks are
// personal, and a phone that is asked for its configuration sends its password
// along. Compared without regard to case, because OwnTracks writes them
// differently on iOS and Android.
var private = [...]string{
	"ssid", "bssid",
	"password", "encryptionKey", "passphrase", "httpHeaders", "intentAuthKey", "url",
}

func isPrivate(key []byte) bool {
	plain := string(text(key))
	for _, p := range private {
		if strings.EqualFold(plain, p) {
			return true
		}
	}
	return false
}

// redact returns an object of valid JSON without its private members, at any
// depth. It returns body itself if it has none.
func redact(body []byte) []byte {
	if !hasPrivate(body) {
		return body
	}
	return appendRedacted(make([]byte, 0, len(body)), body)
}

// hasPrivate looks at values of any kind. The recursion is bounded by maxDepth.
func hasPrivate(b []byte) bool {
	switch c := within(b); first(b) {
	case '{':
		for {
			key, value, ok := c.member()
			if !ok {
				return false
			}
			if isPrivate(key) || hasPrivate(value) {
				return true
			}
		}
	case '[':
		for {
			value, ok := c.element()
			if !ok {
				return false
			}
			if hasPrivate(value) {
				return true
			}
		}
	}
	return false
}

func appendRedacted(out, b []byte) []byte {
	switch c := within(b); first(b) {
	case '{':
		out = append(out, '{')
		separator := ""
		for {
			key, value, ok := c.member()
			if !ok {
				return append(out, '}')
			}
			if isPrivate(key) {
				continue
			}
			out = append(append(out, separator...), '"')
			out = append(append(out, key...), '"', ':')
			out = appendRedacted(out, value)
			separator = ","
		}
	case '[':
		out = append(out, '[')
		separator := ""
		for {
			value, ok := c.element()
			if !ok {
				return append(out, ']')
			}
			out = appendRedacted(append(out, separator...), value)
			separator = ","
		}
	}
	return append(out, b...)
}

// first returns the first byte of a value, after white space.
func first(b []byte) byte {
	if i := space(b, 0); i < len(b) {
		return b[i]
	}
	return 0
}
