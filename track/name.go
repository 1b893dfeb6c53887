package track

// Longest names, in bytes.
const (
	maxCompany  = 32
	maxEmployee = 64
)

// CheckCompany returns nil if s is a company's id: a to z, 0 to 9 and hyphens,
// not starting with a hyphen, at most 32 bytes. Otherwise it returns an
// [ErrInvalid] that says what is allowed.
func CheckCompany(s string) error {
	if isCompany(s) {
		return nil
	}
	return Invalid("company", "%q must be 1 to 32 characters of a-z, 0-9 and '-', and not start with '-'", clip(s))
}

// CheckEmployee returns nil if s is an employee's id: letters, digits, '.',
// '_' and '-', starting with a letter or digit, at most 64 bytes. Otherwise it
// returns an [ErrInvalid] that says what is allowed.
func CheckEmployee(s string) error {
	if isEmployee(s) {
		return nil
	}
	return Invalid("employee", "%q must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-', and start with a letter or digit", clip(s))
}

func isCompany(s string) bool {
	if s == "" || len(s) > maxCompany || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !lower(c) && !digit(c) && c != '-' {
			return false
		}
	}
	return true
}

func isEmployee(s string) bool {
	if s == "" || len(s) > maxEmployee || !alphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func lower(c byte) bool        { return 'a' <= c && c <= 'z' }
func digit(c byte) bool        { return '0' <= c && c <= '9' }
func alphanumeric(c byte) bool { return lower(c|0x20) || digit(c) }

// clip shortens what a stranger sent before it goes into a message.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
