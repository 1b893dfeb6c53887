package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/track"
)

func newEmployeeCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "employee",
		Short: "Add people, and give their phones credentials",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEmployeeAddCommand(env), newEmployeeImportCommand(env), newEmployeeSetCommand(env), newEmployeeRevokeCommand(env), newEmployeeListCommand(env))
	return cmd
}

const outUsage = "write the credentials to this CSV file instead of printing them; - is standard output"

func newEmployeeAddCommand(env *environment) *cobra.Command {
	var name, team, prefix, out string
	var count int
	cmd := &cobra.Command{
		Use:   "add COMPANY [EMPLOYEE]",
		Short: "Add one person, or many at once",
		Long: "Adds one person and prints the credentials of the phone, with a link that sets up\n" +
			"OwnTracks when it is opened there. With --count it adds many: e1, e2, e3 and so on.",
		Example: "  fieldcast employee add acme e17 --name \"Asha Rao\" --team North\n" +
			"  fieldcast employee add acme --count 2000 --prefix e --out creds.csv",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			many := cmd.Flags().Changed("count")
			switch {
			case many && len(args) == 2:
				return fmt.Errorf("name either one employee (%s) or a --count, not both", args[1])
			case many && name != "":
				return fmt.Errorf("--name is for one employee; use employee import for many with names")
			case !many && len(args) == 1:
				return fmt.Errorf("name the employee to add, such as: fieldcast employee add %s e17, or give a --count", args[0])
			case !many && cmd.Flags().Changed("prefix"):
				return fmt.Errorf("--prefix needs a --count")
			case many && out == "":
				out = "-"
			}
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, o *opened) error {
				return env.handOut(o, args[0], out, func() ([]identity.Credential, error) {
					if many {
						return desk.AddMany(ctx, args[0], prefix, count, team)
					}
					return desk.Add(ctx, args[0], []track.Employee{{ID: args[1], Name: name, Team: team}})
				})
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "name to show; empty: the id")
	f.StringVar(&team, "team", "", "team to join; it comes to be with its first member")
	f.IntVar(&count, "count", 0, "how many to add")
	f.StringVar(&prefix, "prefix", "e", "start of the ids of many")
	f.StringVar(&out, "out", "", outUsage)
	return cmd
}

func newEmployeeImportCommand(env *environment) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import COMPANY FILE",
		Short: "Add the people of a CSV file, all or none",
		Long: "Adds everybody in a CSV file whose header has the columns id and name, and perhaps\nteam, in any order.\n" +
			"The file - is standard input.",
		Example: "  fieldcast employee import acme people.csv --out creds.csv",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			people := env.stdin
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return fmt.Errorf("read people: %w", err)
				}
				defer f.Close()
				people = f
			}
			if out == "" {
				out = "-"
			}
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, o *opened) error {
				return env.handOut(o, args[0], out, func() ([]identity.Credential, error) {
					return desk.Import(ctx, args[0], people)
				})
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", outUsage)
	return cmd
}

func newEmployeeSetCommand(env *environment) *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:   "set COMPANY EMPLOYEE...",
		Short: "Put people into a team",
		Long: "Puts people into a team, or with an empty name into none. A team comes to be with its\n" +
			"first member; its name counts whatever its case. The map shows it within seconds.",
		Example: "  fieldcast employee set acme e17 e18 --team North\n" +
			"  fieldcast employee set acme e17 --team \"\"",
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("team") {
				return fmt.Errorf("say what to set, such as: fieldcast employee set %s %s --team North", args[0], args[1])
			}
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, _ *opened) error {
				if err := desk.SetTeam(ctx, args[0], args[1:], team); err != nil {
					return err
				}
				people, err := desk.Employees(ctx, args[0])
				if err != nil {
					return err
				}
				for _, p := range people {
					if !slices.Contains(args[1:], p.ID) {
						continue
					}
					if p.Team == "" {
						fmt.Fprintf(env.stdout, "%s of %s is in no team\n", p.ID, args[0])
						continue
					}
					fmt.Fprintf(env.stdout, "%s of %s is in team %s\n", p.ID, args[0], p.Team)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "team to join; empty: none")
	return cmd
}

func newEmployeeRevokeCommand(env *environment) *cobra.Command {
	var out string
	var reissue bool
	cmd := &cobra.Command{
		Use:   "revoke COMPANY EMPLOYEE",
		Short: "Make a phone's credentials worthless",
		Long: "Makes all credentials of a person's phone worthless; a running server closes its\n" +
			"connection within 5 seconds. What it has reported stays.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" && !reissue {
				return fmt.Errorf("--out needs --reissue: without it there are no new credentials")
			}
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, o *opened) error {
				if reissue {
					return env.handOut(o, args[0], out, func() ([]identity.Credential, error) {
						c, err := desk.Reissue(ctx, args[0], args[1])
						return []identity.Credential{c}, err
					})
				}
				n, err := desk.Revoke(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				fmt.Fprintf(env.stdout, "%s of %s: %s revoked\n", args[1], args[0], plural(n, "credential"))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&reissue, "reissue", false, "issue new credentials and print them")
	cmd.Flags().StringVar(&out, "out", "", outUsage)
	return cmd
}

func newEmployeeListCommand(env *environment) *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:     "list COMPANY",
		Short:   "List the people of a company, or of one of its teams",
		Example: "  fieldcast employee list acme --team North",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, _ *opened) error {
				people, err := desk.Employees(ctx, args[0])
				if err != nil {
					return err
				}
				if len(people) == 0 {
					fmt.Fprintf(env.stdout, "nobody is in %[1]s yet; add somebody with: fieldcast employee add %[1]s e17\n", args[0])
					return nil
				}
				if cmd.Flags().Changed("team") {
					if people = ofTeam(people, team); len(people) == 0 {
						return noTeam(args[0], team)
					}
				}
				return env.printPeople(people)
			})
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "only people of this team; empty: who is in none")
	return cmd
}

// ofTeam keeps the people of a team, whatever the case of its name.
func ofTeam(people []track.Employee, team string) []track.Employee {
	folded := track.FoldTeam(strings.TrimSpace(team))
	return slices.DeleteFunc(people, func(p track.Employee) bool { return track.FoldTeam(p.Team) != folded })
}

func noTeam(company, team string) error {
	if strings.TrimSpace(team) == "" {
		return fmt.Errorf("everybody in %s is in a team", company)
	}
	return fmt.Errorf("nobody of %[1]s is in team %[2]q; fieldcast employee list %[1]s shows the teams", company, team)
}

// printPeople writes a table; where nobody is in a team, without a column for it.
func (e *environment) printPeople(people []track.Employee) error {
	teams := slices.ContainsFunc(people, func(p track.Employee) bool { return p.Team != "" })
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if teams {
		fmt.Fprintln(table, "EMPLOYEE\tNAME\tTEAM\tADDED")
	} else {
		fmt.Fprintln(table, "EMPLOYEE\tNAME\tADDED")
	}
	for _, p := range people {
		if added := p.CreatedAt.Format("2006-01-02"); teams {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.ID, p.Name, p.Team, added)
		} else {
			fmt.Fprintf(table, "%s\t%s\t%s\n", p.ID, p.Name, added)
		}
	}
	return table.Flush()
}

// handOut issues credentials and gives them out: to a CSV file, to standard
// output as CSV (-), or as text. The file is opened first: credentials that
// cannot be written down should not be made.
func (e *environment) handOut(o *opened, company, out string, issue func() ([]identity.Credential, error)) error {
	if out == "" || out == "-" {
		credentials, err := issue()
		if err != nil {
			return err
		}
		if out == "-" {
			return enrol.WriteCSV(e.stdout, credentials)
		}
		for _, c := range credentials {
			if err := printCredential(e.stdout, o.Config, company, c); err != nil {
				return err
			}
		}
		return nil
	}
	file, err := enrol.CreateSecret(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer file.Abort()
	credentials, err := issue()
	if err != nil {
		return err
	}
	if err := enrol.WriteCSV(file, credentials); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	if err := file.Commit(); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "the credentials of %s are in %s\n", plural(len(credentials), "phone"), out)
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
