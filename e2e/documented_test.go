package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented returns the examples of a language in the section "Any MQTT
// client" of docs/clients.md, with the addresses of a server.
func documented(t *testing.T, s *server, language string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/clients.md")
	must(t, err)
	_, section, ok := strings.Cut(string(page), "\n## Any MQTT client\n")
	section, _, _ = strings.Cut(section, "\n## ")
	found := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(section, -1)
	if !ok || len(found) != 1 {
		t.Fatalf("docs/clients.md has %d examples in %s, want one", len(found), language)
	}
	host, port, _ := strings.Cut(s.MQTT, ":")
	return strings.NewReplacer("127.0.0.1:1883", s.MQTT, "127.0.0.1:8080", s.HTTP, "-h 127.0.0.1 -p 1883", "-h "+host+" -p "+port).
		Replace(found[0][1])
}

// TestDocumentedClients runs what docs/clients.md shows, as it stands there:
// the shell first, which makes a person and a fix, then the readers.
func TestDocumentedClients(t *testing.T) {
	needMosquitto(t)
	s := startServer(t, "")
	dir := t.TempDir()
	must(t, os.Symlink(s.Data, filepath.Join(dir, "data"))) // where fieldcast looks by itself
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	path, err := filepath.Abs(program)
	must(t, err)
	must(t, os.Symlink(path, filepath.Join(dir, "bin", "fieldcast")))
	env := append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "TOKEN="+s.token("acme", "manager"))

	shell := exec.Command("bash", "-euc", documented(t, s, "sh"))
	shell.Dir, shell.Env = dir, env
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"lat":12.97162`) || !strings.Contains(string(out), `"battery_pct":81`) {
		t.Fatalf("the shell's example: %v:\n%s", err, out)
	}
	if st := s.stats("acme", s.token("acme", "manager")); st.Fixes != 1 || st.Rejected != 0 {
		t.Errorf("the shell's example stored %+v", st)
	}
	t.Run("MQTT.js", func(t *testing.T) {
		node, modules := needMQTTjs(t)
		must(t, os.Symlink(filepath.Join(filepath.Dir(modules), "node_modules"), filepath.Join(dir, "node_modules")))
		file := filepath.Join(dir, "reader.mjs")
		must(t, os.WriteFile(file, []byte(documented(t, s, "js")), 0o600))
		cmd := exec.Command(node, file)
		cmd.Env = env
		reads(t, cmd)
	})
	t.Run("paho", func(t *testing.T) {
		file := filepath.Join(dir, "main.go")
		must(t, os.WriteFile(file, []byte(documented(t, s, "go")), 0o600))
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "reader"), file) // in this module, which has the library
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		cmd := exec.Command(filepath.Join(dir, "reader"))
		cmd.Env = env
		reads(t, cmd)
	})
}

// reads wants a reader to print the present values.
func reads(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	p := launch(t, cmd)
	p.says(`fc/acme/e17/last {"company":"acme","employee":"e17"`)
	p.says(`fc/acme/e17/presence {"state":"offline"`)
}
