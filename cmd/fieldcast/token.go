package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fieldcast/enrol"
	"fieldcast/identity"
	"fieldcast/track"
)

func newTokenCommand(env *environment) *cobra.Command {
	var role string
	var topics []string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "token COMPANY",
		Short: "Print a token for a program",
		Long: "Prints a token (JWT) for REST, as Authorization: Bearer, and for MQTT, as password\n" +
			"beside any user name. An integrator reads the topics that its token lists.",
		Example: "  fieldcast token acme --role manager\n" +
			"  fieldcast token acme --role integrator --topic 'fc/acme/+/last' --ttl 720h",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch track.Role(role) {
			case track.RoleViewer, track.RoleManager, track.RoleAdmin, track.RoleIntegrator:
			case track.RoleDevice:
				return fmt.Errorf("--role device: a phone gets its credentials with: fieldcast employee add %s EMPLOYEE", args[0])
			default:
				return fmt.Errorf("--role %q must be viewer, manager, admin or integrator", role)
			}
			if ttl <= 0 {
				return fmt.Errorf("--ttl %v must be positive, such as 1h", ttl)
			}
			return env.atDesk(cmd, func(ctx context.Context, desk enrol.Desk, o *opened) error {
				if err := desk.CheckCompany(ctx, args[0]); err != nil {
					return err
				}
				token, err := o.Identity.Issue(ctx, identity.Grant{Role: track.Role(role), Company: args[0], Topics: topics, TTL: ttl})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(env.stdout, token)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", "", "viewer, manager, admin or integrator")
	f.StringArrayVar(&topics, "topic", nil, "topic filter that an integrator may read (repeatable)")
	f.DurationVar(&ttl, "ttl", identity.TokenTTL, "how long the token is valid")
	return cmd
}
