package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/track"
)

func newUserCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Add people who log in to the map",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newUserAddCommand(env))
	return cmd
}

func newUserAddCommand(env *environment) *cobra.Command {
	var role, name string
	var fromStdin bool
	cmd := &cobra.Command{
		Use:     "add COMPANY EMAIL",
		Short:   "Add somebody who logs in with e-mail address and password",
		Long:    "Adds somebody who logs in with e-mail address and password. The password is asked\nfor twice, or read from the first line of standard input.",
		Example: "  fieldcast user add acme asha@acme.example --role manager",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, o *opened) error {
				if err := desk.CheckCompany(ctx, args[0]); err != nil {
					return err
				}
				password, err := env.newPassword(ctx, fromStdin)
				if err != nil {
					return err
				}
				user := track.User{Email: args[1], Company: args[0], Role: track.Role(role), Name: name}
				err = o.Identity.AddUser(ctx, user, password)
				if errors.Is(err, track.ErrExists) {
					return fmt.Errorf("user %s exists already", args[1])
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(env.stdout, "%s may log in as %s of %s\n", args[1], role, args[0])
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", string(track.RoleManager), "viewer, manager or admin")
	f.StringVar(&name, "name", "", "name to show")
	f.BoolVar(&fromStdin, "password-stdin", false, "read the password from standard input")
	return cmd
}

// newPassword asks twice on a terminal, or reads the first line of standard input.
func (e *environment) newPassword(ctx context.Context, fromStdin bool) (string, error) {
	if fromStdin {
		line, err := bufio.NewReader(io.LimitReader(e.stdin, 4<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	terminal, ok := e.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return "", errors.New("there is no terminal to ask for the password; give it on standard input with --password-stdin")
	}
	password, err := e.ask(ctx, terminal, "Password: ")
	if err != nil {
		return "", err
	}
	if err := identity.CheckPassword(password); err != nil {
		return "", err // before it is typed again
	}
	again, err := e.ask(ctx, terminal, "Again: ")
	if err != nil {
		return "", err
	}
	if again != password {
		return "", errors.New("the two passwords differ; nobody was added")
	}
	return password, nil
}

// ask reads a line that is not shown. When ctx ends, by Ctrl-C, the terminal
// shows what is typed again.
func (e *environment) ask(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	shown, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	fmt.Fprint(e.stderr, prompt)
	// Reading from a terminal cannot be interrupted: when ctx ends first, this
	// goroutine ends with the process, which has nothing else to do.
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		fmt.Fprintln(e.stderr)
		if l.err != nil {
			return "", fmt.Errorf("read password: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		fmt.Fprintln(e.stderr)
		return "", errors.Join(errors.New("interrupted; nobody was added"), term.Restore(fd, shown))
	}
}
