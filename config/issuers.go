package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Identity configures whose tokens count beside this server's own.
type Identity struct {
	Issuers Issuers `key:"issuers" doc:"Sign-on servers whose tokens count; see docs/operations.md. In the environment: JSON."`
}

// Issuers is a list. As text it is JSON.
type Issuers []Issuer

// Issuer is a server that signs tokens, and what its claims mean here.
type Issuer struct {
	Issuer        string            `key:"issuer" json:"issuer"`
	JWKSURL       string            `key:"jwks_url" json:"jwks_url"`
	Audience      string            `key:"audience" json:"audience"`
	Algorithms    []string          `key:"algorithms" json:"algorithms,omitempty"`
	Company       string            `key:"company" json:"company,omitempty"`
	CompanyClaim  string            `key:"company_claim" json:"company_claim,omitempty"`
	Role          string            `key:"role" json:"role,omitempty"`
	RoleClaim     string            `key:"role_claim" json:"role_claim,omitempty"`
	Roles         map[string]string `key:"roles" json:"roles,omitempty"`
	EmployeeClaim string            `key:"employee_claim" json:"employee_claim,omitempty"`
	MaxTTL        Duration          `key:"max_ttl" json:"max_ttl,omitzero"`
}

// complete finds what is missing; what the values mean, identity checks.
func (i Issuer) complete() error {
	switch {
	case i.Issuer == "":
		return errors.New("an issuer needs issuer, the claim iss of its tokens")
	case i.JWKSURL == "" || i.Audience == "":
		return fmt.Errorf("%s needs jwks_url and audience", i.Issuer)
	}
	return nil
}

// UnmarshalText reads JSON, as it comes from the environment.
func (l *Issuers) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var list []Issuer
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("is not a list of issuers in JSON: %w", err)
	}
	*l = list
	return nil
}

// String is JSON, which YAML reads as well.
func (l Issuers) String() string {
	b, err := json.Marshal([]Issuer(l))
	if err != nil {
		return "[]" // there is nothing in it that JSON does not know
	}
	return string(b)
}

// Duration is a time.Duration that JSON shows as 15m.
type Duration time.Duration

// MarshalText writes 15m0s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	parsed, err := time.ParseDuration(string(b))
	*d = Duration(parsed)
	return err
}
