package row

import "strings"

// Text makes s storable in every database: NUL bytes, which PostgreSQL refuses,
// and invalid UTF-8 become U+FFFD. Payloads are kept as bytes and need none of
// this.
func Text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
