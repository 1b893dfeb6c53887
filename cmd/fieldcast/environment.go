package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"fieldcast/config"
	"fieldcast/identity"
	"fieldcast/store/postgres"
	"fieldcast/store/sqlite"
	"fieldcast/track"
)

// environment is what every command has: the streams of the process and the
// flags that say where the installation is.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// flagKeys maps flags to settings. A flag that was not given sets nothing.
var flagKeys = map[string]string{
	"data":     "data",
	"database": "database",
	"http":     "http.addr",
	"mqtt":     "mqtt.addr",
	"metrics":  "metrics.addr",
}

func (e *environment) addFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "config file (YAML)")
	flags.String("data", config.Default().Data, "folder for database, journal and keys")
	flags.String("database", "", "postgres:// URL; empty: SQLite in the data folder")
}

// load reads the settings as the command's flags want them.
func (e *environment) load(cmd *cobra.Command) (config.Config, error) {
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if key, ok := flagKeys[f.Name]; ok {
			given[key] = f.Value.String()
		}
	})
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Config{}, err
	}
	return config.Load(config.Source{File: file, Flags: given})
}

// opened is an installation: its settings, store and identities. The command
// line opens it beside a running server.
type opened struct {
	Config   config.Config
	Store    track.Store
	Identity *identity.Service
}

// Close releases the store.
func (o *opened) Close() error { return o.Store.Close() }

// open opens the installation that the flags name, making it if it is new.
func (e *environment) open(cmd *cobra.Command) (*opened, error) {
	c, err := e.load(cmd)
	if err != nil {
		return nil, err
	}
	return openInstallation(cmd.Context(), c, e.logger(c), nil)
}

// openInstallation opens what c names. Who has metrics is going to serve it, and
// looks at it more closely.
func openInstallation(ctx context.Context, c config.Config, log *slog.Logger, metrics prometheus.Registerer) (*opened, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	key, err := identity.LoadKey(c.KeysDir())
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, c, log, metrics != nil)
	if err != nil {
		return nil, err
	}
	ids, err := identity.New(identity.Options{
		Store: store, Key: key, Logger: log.With("component", "identity"), Registerer: metrics, Issuers: issuers(c.Identity.Issuers),
		FailedLogins: c.HTTP.MaxFailedLogins, FailedLoginsPerAddress: c.HTTP.MaxFailedLoginsPerAddress,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("identity: %w", err), store.Close())
	}
	return &opened{Config: c, Store: store, Identity: ids}, nil
}

// issuers are the settings as identity wants them.
func issuers(list config.Issuers) []identity.Issuer {
	out := make([]identity.Issuer, len(list))
	for n, i := range list {
		var roles map[string]track.Role
		if i.Roles != nil {
			roles = map[string]track.Role{}
		}
		for value, role := range i.Roles {
			roles[value] = track.Role(role)
		}
		out[n] = identity.Issuer{
			Issuer: i.Issuer, JWKSURL: i.JWKSURL, Audience: i.Audience, Algorithms: i.Algorithms,
			Company: i.Company, CompanyClaim: i.CompanyClaim, Role: track.Role(i.Role), RoleClaim: i.RoleClaim, Roles: roles,
			EmployeeClaim: i.EmployeeClaim, MaxTTL: time.Duration(i.MaxTTL),
		}
	}
	return out
}

func openStore(ctx context.Context, c config.Config, log *slog.Logger, serving bool) (track.Store, error) {
	if c.Database != "" {
		return postgres.Open(ctx, c.Database, postgres.Options{Logger: log.With("component", "postgres")})
	}
	return sqlite.Open(ctx, c.SQLitePath(), sqlite.Options{Logger: log.With("component", "sqlite"), Check: serving})
}

// logger writes to standard error as the settings want it.
func (e *environment) logger(c config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo // settings have been validated
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.stderr, options))
	}
	return slog.New(slog.NewTextHandler(e.stderr, options))
}
