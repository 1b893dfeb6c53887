package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRootCommand(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "fieldcast",
		Short: "Know where your field team is",
		Long: "Fieldcast shows where a field team is, live, without draining its phones and\n" +
			"without ever losing a fix. Try it: fieldcast serve --demo",
		SilenceUsage:  true, // an error is one clear sentence, not a page
		SilenceErrors: true, // main prints it
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	env.addFlags(root.PersistentFlags())
	root.AddCommand(
		newServeCommand(env),
		newCompanyCommand(env),
		newEmployeeCommand(env),
		newUserCommand(env),
		newTokenCommand(env),
		newSimulateCommand(env),
		newBenchCommand(env),
		newConfigCommand(env),
		newVersionCommand(env),
	)
	return root
}

func newVersionCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.stdout, "fieldcast", buildVersion())
			return err
		},
	}
}
