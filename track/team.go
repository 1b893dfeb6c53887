package track

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTeam is the longest name of a team, in characters.
const maxTeam = 64

// CleanTeam returns a team's name as it is kept: without space around it. The
// empty name is no team. It returns [ErrInvalid] for a name of more than 64
// characters, with control characters, or that is not valid UTF-8.
func CleanTeam(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", Invalid("team", "the name is not valid UTF-8")
	}
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxTeam {
		return "", Invalid("team", "%q must be 1 to %d characters", clip(name), maxTeam)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "", Invalid("team", "%q has a control character", clip(name))
	}
	return name, nil
}

// FoldTeam is what two names of the same team have in common: teams of a company
// differ by more than case.
func FoldTeam(name string) string { return strings.ToLower(name) }
