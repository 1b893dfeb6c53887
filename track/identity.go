package track

import "time"

// Role is what somebody is to the system.
type Role string

// The roles; [Allow] says what each may do.
const (
	RoleDevice     Role = "device"     // a phone: writes its own topics
	RoleViewer     Role = "viewer"     // sees where people are
	RoleManager    Role = "manager"    // sees everything of the company, enrols people
	RoleAdmin      Role = "admin"      // a manager who also manages users and tokens
	RoleIntegrator Role = "integrator" // another program: the topics that its token lists
	RoleOperator   Role = "operator"   // runs the server: every company
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	switch r {
	case RoleDevice, RoleViewer, RoleManager, RoleAdmin, RoleIntegrator, RoleOperator:
		return true
	}
	return false
}

// Identity is who somebody has proved to be. The zero value is nobody and may
// do nothing.
type Identity struct {
	TokenID   string    // to revoke by; empty for a session by password
	Subject   string    // e-mail address, or "employee@company", or a token's name
	Role      Role      //
	Company   string    // empty only for RoleOperator
	Employee  string    // for RoleDevice
	Topics    []string  // for RoleIntegrator: the filters that it may read
	Rules     []Rule    // for RoleIntegrator: more filters, in the order in which they decide
	ExpiresAt time.Time // zero: never; a connection is closed at that moment
}
