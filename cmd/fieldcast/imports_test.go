package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// denials are the import rules: a package below room may not depend, directly
// or through others, on anything below one of the others. Each has its reason.
var denials = []struct {
	room   string
	others []string
	why    string
}{
	{"track", []string{"fieldcast/", "github.com/", "golang.org/", "go.uber.org/", "modernc.org/"}, "the domain is pure: standard library only"},
	{"payload", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/identity", "fieldcast/journal"}, "decoders are pure"},
	{"journal", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/payload"}, "the journal keeps what it is given and understands none of it"},
	{"feed", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/journal"}, "the feed knows neither who writes nor who watches"},
	{"store", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/feed", "fieldcast/journal"}, "a store is told what to keep"},
	{"export", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/identity", "fieldcast/journal"}, "formats know fixes and nothing of where they come from"},
	{"identity", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/journal"}, "who somebody is does not depend on the door"},
	{"listen", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/config", "fieldcast/track"}, "connections come in the same way whatever they are for"},
	{"broker", []string{"fieldcast/bridge", "fieldcast/dashboard", "fieldcast/store", "fieldcast/identity", "fieldcast/config"}, "the front door never reads the store, and is joined to the others by cmd/fieldcast"},
	{"bridge", []string{"fieldcast/broker", "fieldcast/dashboard", "fieldcast/identity", "fieldcast/config"}, "the bridge never speaks to a phone"},
	{"dashboard", []string{"fieldcast/broker", "fieldcast/bridge", "fieldcast/journal", "fieldcast/config"}, "the dashboard never touches the journal"},
	{"cmd", []string{"fieldcast/e2e"}, "what tries the program from outside is no part of it"},
}

// wrapped are third-party modules that stop at the packages that wrap them. e2e
// is no part of the program: it stands outside with clients of its own.
var wrapped = []struct {
	module string
	rooms  []string // where it may be imported
}{
	{"github.com/mochi-mqtt/server", []string{"broker", "e2e/bench"}}, // there, stock mochi is what the broker is measured against
	{"github.com/jackc/pgx", []string{"store/postgres", "e2e"}},
	{"modernc.org/sqlite", []string{"store/sqlite", "e2e"}},
	{"github.com/pires/go-proxyproto", []string{"listen"}},
	{"golang.org/x/crypto/acme", []string{"listen"}},
	{"github.com/spf13/viper", []string{"config"}},
	{"github.com/eclipse/paho.mqtt.golang", []string{"simulate", "bridge", "e2e"}},
	{"github.com/hashicorp/raft-wal", []string{"journal/disk"}},
	{"github.com/redis/go-redis", []string{"journal/redis"}},
	{"github.com/danielgtaylor/huma", []string{"dashboard"}},
	{"github.com/paulmach/orb", []string{"dashboard"}},
	{"github.com/twpayne/go-kml", []string{"export"}},
	{"github.com/golang-jwt/jwt", []string{"identity"}},
	{"github.com/MicahParks/keyfunc", []string{"identity"}},
	{"github.com/pressly/goose", []string{"store"}},
	{"github.com/spf13/cobra", []string{"cmd/fieldcast"}},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string // transitive
}

func TestImportRules(t *testing.T) {
	packages := list(t)
	seen := map[string]bool{}
	for _, p := range packages {
		path, ours := strings.CutPrefix(p.ImportPath, "fieldcast/")
		if !ours {
			continue
		}
		room, _, _ := strings.Cut(path, "/")
		seen[room] = true
		for _, d := range denials {
			if room != d.room {
				continue
			}
			for _, dep := range p.Deps {
				if denied(dep, d.room, d.others) {
					t.Errorf("%s depends on %s: %s", p.ImportPath, dep, d.why)
				}
			}
		}
		for _, w := range wrapped {
			for _, imported := range p.Imports {
				if below(imported, w.module) && !slices.ContainsFunc(w.rooms, func(r string) bool { return below(path, r) }) {
					t.Errorf("%s imports %s, which stops at %s", p.ImportPath, imported, strings.Join(w.rooms, ", "))
				}
			}
		}
	}
	for _, d := range denials {
		if !seen[d.room] {
			t.Errorf("there is no room %s: the rule for it holds nothing", d.room)
		}
	}
}

func denied(imported, room string, others []string) bool {
	if below(imported, "fieldcast/"+room) {
		return false
	}
	return slices.ContainsFunc(others, func(o string) bool {
		return below(imported, o) || strings.HasSuffix(o, "/") && strings.HasPrefix(imported, o)
	})
}

// below reports whether path is prefix, or in a folder below it.
func below(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// list asks the go command for the packages of the module, without their tests.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "fieldcast/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
