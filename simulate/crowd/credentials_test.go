package crowd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fieldcast/simulate/crowd"
)

func TestReadCredentials(t *testing.T) {
	const head = "employee,username,password,client_id\n"
	for name, test := range map[string]struct {
		file string
		want []crowd.Phone
		err  string
	}{
		"two": {head + "e1,e1@acme,p1,acme-e1\ne2,e2@acme,\"p,2\",acme-e2\n", []crowd.Phone{
			{Company: "acme", Employee: "e1", Username: "e1@acme", Password: "p1", ClientID: "acme-e1"},
			{Company: "acme", Employee: "e2", Username: "e2@acme", Password: "p,2", ClientID: "acme-e2"},
		}, ""},
		"none":       {head, nil, ""},
		"empty":      {"", nil, "empty"},
		"other file": {"a,b,c,d\n1,2,3,4\n", nil, "first line must be employee,username"},
		"no company": {head + "e1,e1,p,c\n", nil, "line 2"},
		"few fields": {head + "e1,e1@acme\n", nil, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "creds.csv")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := crowd.ReadCredentials(path)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), path) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil || len(got) != len(test.want) {
				t.Fatalf("got %v, error %v", got, err)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Errorf("got %+v, want %+v", got[i], test.want[i])
				}
			}
		})
	}
	if _, err := crowd.ReadCredentials(filepath.Join(t.TempDir(), "none.csv")); err == nil {
		t.Error("a missing file is no error")
	}
}
