package binary

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fieldcast/simulate/crowd"
)

// flags name the installation.
func (s *Server) flags() []string {
	flags := []string{"--data", s.Data}
	if s.Database != "" {
		flags = append(flags, "--database", s.Database)
	}
	return flags
}

// CLI runs a command on the server's installation and returns what it prints.
// The error holds what it said.
func (s *Server) CLI(args ...string) (string, error) { return s.CLIWith("", args...) }

// CLIWith is [Server.CLI] with an input.
func (s *Server) CLIWith(stdin string, args ...string) (string, error) {
	cmd := exec.Command(s.Program, append(args, s.flags()...)...) //nolint:gosec,noctx // the program under test
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(cmd.Environ(), s.Env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("fieldcast %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Token issues one by the command line.
func (s *Server) Token(company, role string, more ...string) (string, error) {
	out, err := s.CLI(append([]string{"token", company, "--role", role}, more...)...)
	return strings.TrimSpace(out), err
}

// Enrol adds n employees, prefix1 … prefixn, and returns their phones.
func (s *Server) Enrol(company, prefix string, n int) ([]crowd.Phone, error) {
	dir, err := os.MkdirTemp("", "fieldcast-credentials-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder of ours
	file := filepath.Join(dir, "credentials.csv")
	if _, err := s.CLI("employee", "add", company, "--count", fmt.Sprint(n), "--prefix", prefix, "--out", file); err != nil {
		return nil, err
	}
	return crowd.ReadCredentials(file)
}
