package binary

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Redis runs scripts/redis and returns what it prints on stdout.
func Redis(args ...string) (string, error) {
	script, err := Script("redis")
	if err != nil {
		return "", err
	}
	out, err := exec.Command(script, args...).Output() //nolint:gosec,noctx // a script of this project
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("scripts/redis %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// JournalInRedis is the environment of a server whose journal is there.
func JournalInRedis(url string) []string {
	return []string{"FIELDCAST_JOURNAL_KIND=redis", "FIELDCAST_JOURNAL_REDIS_URL=" + url}
}
