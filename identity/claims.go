package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

var errClaimTwice = errors.New("a claim is there twice")

// outsideClaims are the registered claims, and all others as they came.
type outsideClaims struct {
	jwt.RegisteredClaims
	all map[string]json.RawMessage
}

// UnmarshalJSON keeps both. A claim that is there twice is refused (RFC 7519,
// section 4), and names count as they are written: where people may choose
// claims of their own, "SUB" must not become "sub".
func (c *outsideClaims) UnmarshalJSON(b []byte) error {
	all, err := members(b)
	if err != nil {
		return err
	}
	registered := map[string]json.RawMessage{}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti"} {
		if value, ok := all[name]; ok {
			registered[name] = value
		}
	}
	exact, err := json.Marshal(registered)
	if err != nil {
		return err
	}
	c.all = all
	return json.Unmarshal(exact, &c.RegisteredClaims)
}

// members returns what an object holds, which must have no name twice.
func members(b []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.Join(errors.New("claims are not an object"), err)
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string) // nothing else can be a name
		if _, twice := all[name]; twice {
			return nil, errClaimTwice
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, nil
}

// text returns a claim that is a string; empty if it is not.
func (c *outsideClaims) text(name string) string {
	if all := c.texts(name); len(all) == 1 {
		return all[0]
	}
	return ""
}

// texts returns a claim that is a string or a list of them. A name with dots
// leads into objects, unless a claim has that very name.
func (c *outsideClaims) texts(name string) []string {
	raw, ok := c.all[name]
	for within := c.all; !ok; {
		head, rest, deeper := strings.Cut(name, ".")
		if !deeper {
			return nil
		}
		var inner map[string]json.RawMessage
		if json.Unmarshal(within[head], &inner) != nil {
			return nil
		}
		raw, ok = inner[rest]
		name, within = rest, inner
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many
}
