package payload

import (
	"bytes"
	"encoding/json"
)

// The functions here walk over JSON that [json.Valid] has accepted, without
// building values: a location has some twenty members of which a dozen are
// wanted, and this runs for every fix.

// maxDepth bounds the nesting of what is taken in. OwnTracks needs 4 levels.
const maxDepth = 32

// tooDeep reports whether arrays and objects are nested beyond maxDepth.
func tooDeep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// cursor steps through the members of an object or the elements of an array.
// Make one with members or elements.
type cursor struct {
	b []byte
	i int
}

// within returns a cursor inside the brackets of an object or array.
func within(b []byte) cursor { return cursor{b: b, i: space(b, 0) + 1} }

// member returns the next member of an object: the raw key, without its
// quotes, and the raw value.
func (c *cursor) member() (key, value []byte, ok bool) {
	c.i = space(c.b, c.i)
	if c.i < len(c.b) && c.b[c.i] == ',' {
		c.i = space(c.b, c.i+1)
	}
	if c.i >= len(c.b) || c.b[c.i] != '"' {
		return nil, nil, false
	}
	end := stringEnd(c.b, c.i)
	key = c.b[c.i+1 : end-1]
	c.i = space(c.b, end) + 1 // the colon
	return key, c.value(), true
}

// element returns the next element of an array.
func (c *cursor) element() (value []byte, ok bool) {
	c.i = space(c.b, c.i)
	if c.i < len(c.b) && c.b[c.i] == ',' {
		c.i++
	}
	c.i = space(c.b, c.i)
	if c.i >= len(c.b) || c.b[c.i] == ']' {
		return nil, false
	}
	return c.value(), true
}

// value returns the value that starts at or after the cursor.
func (c *cursor) value() []byte {
	start := space(c.b, c.i)
	c.i = valueEnd(c.b, start)
	return c.b[start:c.i]
}

// space returns the index of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index behind the string whose first quote is at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// valueEnd returns the index behind the value that starts at i.
func valueEnd(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		default:
			i = scalarEnd(b, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

// scalarEnd returns the index behind a number or literal, or behind the
// separator or white space that stands at i.
func scalarEnd(b []byte, i int) int {
	start := i
	for i < len(b) {
		switch b[i] {
		case ',', ':', '}', ']', ' ', '\t', '\n', '\r', '"', '{', '[':
			return max(i, start+1)
		}
		i++
	}
	return i
}

// text returns the content of a JSON string, given without its quotes.
func text(content []byte) []byte {
	if bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	var s string
	quoted := append(append([]byte{'"'}, content...), '"')
	if json.Unmarshal(quoted, &s) != nil {
		return content
	}
	return []byte(s)
}

// stringValue returns the content of a raw JSON value if it is a string.
func stringValue(raw []byte) (content []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	return text(raw[1 : len(raw)-1]), true
}
