package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fieldcast/enrol"
)

func newCompanyCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "company",
		Short: "Add and list companies",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCompanyAddCommand(env), newCompanyListCommand(env))
	return cmd
}

func newCompanyAddCommand(env *environment) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "add COMPANY",
		Short:   "Add a company",
		Example: `  fieldcast company add acme --name "Acme Ltd"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, _ *opened) error {
				if err := desk.AddCompany(ctx, args[0], name); err != nil {
					return err
				}
				fmt.Fprintf(env.stdout, "company %s was added\n", args[0])
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name to show; empty: the id")
	return cmd
}

func newCompanyListCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List companies",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, _ *opened) error {
				companies, err := desk.Companies(ctx)
				if err != nil {
					return err
				}
				if len(companies) == 0 {
					fmt.Fprintln(env.stdout, "there is no company yet; add one with: fieldcast company add acme")
					return nil
				}
				table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "COMPANY\tNAME\tADDED")
				for _, c := range companies {
					fmt.Fprintf(table, "%s\t%s\t%s\n", c.ID, c.Name, c.CreatedAt.Format("2006-01-02"))
				}
				return table.Flush()
			})
		},
	}
}

// atDesk opens the installation, does what a command is for, and explains what
// went wrong.
func (e *environment) atDesk(cmd *cobra.Command, do func(context.Context, enrol.Desk, *opened) error) error {
	o, err := e.open(cmd)
	if err != nil {
		return err
	}
	desk := enrol.Desk{Store: o.Store, Issuer: o.Identity}
	return errors.Join(explain(do(cmd.Context(), desk, o)), o.Close())
}
