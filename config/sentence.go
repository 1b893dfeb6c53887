package config

import (
	"strings"
	"unicode"
)

// sentence is an error on one line. The parsers of YAML and of values write
// lists over several, with whatever was in the file in them.
type sentence struct{ error }

// preamble is what mapstructure says before its list.
const preamble = "decoding failed due to the following error(s):"

func (s sentence) Unwrap() error { return s.error }

// Error puts a semicolon between the lines, except after a colon.
func (s sentence) Error() string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(s.error.Error(), preamble, "")) {
		line = strings.TrimSpace(strings.Map(printable, line))
		switch {
		case line == "":
			continue
		case b.Len() == 0:
		case strings.HasSuffix(b.String(), ":"):
			b.WriteByte(' ')
		default:
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// printable replaces what a terminal would not show, or would obey; bytes that
// are no text have become U+FFFD before.
func printable(r rune) rune {
	switch {
	case r == ' ', unicode.IsPrint(r):
		return r
	case unicode.IsSpace(r):
		return ' '
	}
	return unicode.ReplacementChar
}
