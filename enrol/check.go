package enrol

import (
	"unicode"
	"unicode/utf8"

	"fieldcast/track"
)

// maxName is the longest name, in characters.
const maxName = 200

// checkName returns nil if s can be shown as a name; it may be empty.
func checkName(s string) error {
	if !utf8.ValidString(s) {
		return track.Invalid("name", "is not text in UTF-8")
	}
	if utf8.RuneCountInString(s) > maxName {
		return track.Invalid("name", "has more than %d characters", maxName)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return track.Invalid("name", "%q has a control character", s)
		}
	}
	return nil
}

func checkPeople(company string, people []track.Employee) error {
	if err := track.CheckCompany(company); err != nil {
		return err
	}
	if len(people) < 1 || len(people) > MaxPeople {
		return track.Invalid("employees", "%d at once, must be between 1 and %d", len(people), MaxPeople)
	}
	seen := make(map[string]bool, len(people))
	for _, p := range people {
		if err := track.CheckEmployee(p.ID); err != nil {
			return err
		}
		if err := checkName(p.Name); err != nil {
			return err
		}
		if _, err := track.CleanTeam(p.Team); err != nil {
			return err
		}
		if seen[p.ID] {
			return track.Invalid("employee", "%s is there twice", p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}
