package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newConfigCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and print the settings",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Say whether the settings can work",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := env.load(cmd)
				if err != nil {
					return err
				}
				for _, issuer := range issuers(c.Identity.Issuers) {
					if err := issuer.Validate(); err != nil {
						return fmt.Errorf("identity.issuers: %w", err)
					}
				}
				_, err = fmt.Fprintln(env.stdout, "the settings are valid")
				return err
			},
		},
		&cobra.Command{
			Use:   "print",
			Short: "Print the settings in force, secrets hidden",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := env.load(cmd)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(env.stdout, c.Print(false))
				return err
			},
		},
	)
	return cmd
}
