package track_test

import (
	"errors"
	"strings"
	"testing"

	"fieldcast/track"
)

func TestCleanTeam(t *testing.T) {
	for name, tt := range map[string]struct {
		give, want string
		err        error
	}{
		"plain":             {"North", "North", nil},
		"space around":      {"\t Night shift \n", "Night shift", nil},
		"none":              {"  ", "", nil},
		"64 characters":     {strings.Repeat("é", 64), strings.Repeat("é", 64), nil},
		"65 characters":     {strings.Repeat("é", 65), "", track.ErrInvalid},
		"control character": {"a\x07b", "", track.ErrInvalid},
		"two lines":         {"a\nb", "", track.ErrInvalid},
		"not UTF-8":         {"a\xff", "", track.ErrInvalid},
	} {
		if got, err := track.CleanTeam(tt.give); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if track.FoldTeam("ÉQUIPE Nord") != track.FoldTeam("équipe nord") || track.FoldTeam("North") == track.FoldTeam("South") {
		t.Error("teams differ by more than case, and by no less")
	}
}
