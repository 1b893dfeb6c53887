package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// Print returns the settings as YAML, with secrets hidden. With comments it is
// the example file.
func (c Config) Print(comments bool) string {
	var b strings.Builder
	walkAll(c, func(f field) {
		indent := strings.Repeat("  ", strings.Count(f.key, "."))
		if comments {
			if f.group {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s# %s\n", indent, f.doc)
		}
		if f.group {
			fmt.Fprintf(&b, "%s%s:\n", indent, f.name)
			return
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, f.name, f.yaml())
	})
	return b.String()
}

// yaml writes a value so that it reads back as the same.
func (f field) yaml() string {
	switch v := f.value.Interface().(type) {
	case string:
		if f.secret {
			v = redactURL(v)
		}
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case fmt.Stringer: // durations and sizes
		return v.String()
	}
	if f.value.Kind() == reflect.Float64 {
		return strconv.FormatFloat(f.value.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(f.value.Interface())
}

// redactURL hides the passwords of a URL.
func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(hidden)"
	}
	q := u.Query()
	for _, key := range []string{"password", "sentinel_password"} {
		if q.Has(key) {
			q.Set(key, "xxxxx")
			u.RawQuery = q.Encode()
		}
	}
	return u.Redacted()
}
