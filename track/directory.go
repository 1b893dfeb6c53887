package track

import "time"

// Company is a tenant.
type Company struct {
	ID        string    `json:"id"` // part of every topic; see [CheckCompany]
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// Employee is a person whose phone reports.
type Employee struct {
	Company   string    `json:"company"`
	ID        string    `json:"id"` // part of the topics; see [CheckEmployee]
	Name      string    `json:"name"`
	Team      string    `json:"team,omitempty"` // empty: none; see [CleanTeam]
	CreatedAt time.Time `json:"created_at"`
}

// User is a person who logs in with e-mail address and password.
type User struct {
	Email        string    `json:"email"` // lower case; unique in the installation
	Company      string    `json:"company"`
	Role         Role      `json:"role"`
	Name         string    `json:"name,omitempty"`
	PasswordHash string    `json:"-"` // argon2id in PHC form
	CreatedAt    time.Time `json:"created_at"`
}

// Token is the record of a signed token that was issued, without the token
// itself: it exists so that the token can be revoked.
type Token struct {
	ID        string    `json:"id"` // the claim jti
	Role      Role      `json:"role"`
	Company   string    `json:"company"`
	Employee  string    `json:"employee,omitempty"` // for [RoleDevice]
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero: valid
}
