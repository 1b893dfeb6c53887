package enrol_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"fieldcast/enrol"
	"fieldcast/track"
)

func TestReadPeople(t *testing.T) {
	want := []track.Employee{{ID: "e1", Name: "Asha Rao"}, {ID: "e2", Name: "Zoë"}}
	for name, text := range map[string]string{
		"plain":                "id,name\ne1,Asha Rao\ne2,Zoë\n",
		"other order":          "name,id\nAsha Rao,e1\nZoë,e2",
		"more columns":         "depot,id,phone,name\nA,e1,+49,Asha Rao\nB,e2,,Zoë\n",
		"windows":              "id,name\r\ne1,Asha Rao\r\ne2,Zoë\r\n",
		"byte order mark":      "\ufeffid,name\ne1,Asha Rao\ne2,Zoë\n",
		"semicolons":           "\ufeffid;name\r\ne1;Asha Rao\r\ne2;Zoë\r\n",
		"spaces, capitals":     " ID , Name \n e1 , Asha Rao \ne2,Zoë\n",
		"quoted, empty lines":  "\"id\",\"name\"\n\n\"e1\",\"Asha Rao\"\n\ne2,Zoë\n\n",
		"a column twice, else": "x,x,id,name\n,,e1,Asha Rao\n,,e2,Zoë\n",
	} {
		got, err := enrol.ReadPeople(strings.NewReader(text))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestReadPeopleWithTeams(t *testing.T) {
	got, err := enrol.ReadPeople(strings.NewReader("Team,id,name\n North ,e1,Asha Rao\n,e2,Zoë\n"))
	if want := []track.Employee{{ID: "e1", Name: "Asha Rao", Team: "North"}, {ID: "e2", Name: "Zoë"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestReadPeopleRefuses(t *testing.T) {
	var many strings.Builder
	many.WriteString("id,name\n")
	for range 30 {
		many.WriteString("bad id,x\n")
	}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"is empty"}},
		{"only a mark", "\ufeff", []string{"is empty"}},
		{"header only", "id,name\n", []string{"nobody is in it"}},
		{"no header", "e1,Asha\n", []string{"there is no column id"}},
		{"no name", "id,nmae\ne1,Asha\n", []string{"there is no column name"}},
		{"id twice", "id,name,ID\ne1,Asha,e2\n", []string{"column id is there twice"}},
		{"bad id", "id,name\ne1,Asha\ne 2,Ben\n", []string{"line 3", `"e 2"`, "nobody was added"}},
		{"no id", "id,name\n,Asha\n", []string{"line 2"}},
		{"twice", "id,name\ne1,Asha\ne2,Ben\ne1,Cem\n", []string{"line 4: e1 stands on line 2 already"}},
		{"a field short", "id,name\ne1\ne2,Ben\n+,x\n", []string{"line 2: wrong number of fields", "line 4"}},
		{"a field more", "id,name\ne1,Rao, Asha\n", []string{"line 2: wrong number of fields"}},
		{"open quote", "id,name\ne1,\"Asha\n", []string{"line 2"}},
		{"lines in names count", "id,name,note\ne1,Asha,\"a\nb\nc\"\n+,x,y\n", []string{"line 5"}},
		{"name of two lines", "id,name\ne1,\"A\nB\"\n", []string{"line 2", "control character"}},
		{"bad team", "id,name,team\ne1,Asha," + strings.Repeat("x", 65) + "\n", []string{"line 2", "invalid team"}},
		{"team twice", "id,team,name,team\ne1,A,Asha,B\n", []string{"column team is there twice"}},
		{"not text", "id,name\ne1,\xff\xfe\n", []string{"line 2", "UTF-8"}},
		{"binary", "\x00\x01\x02\xff\n\x00", []string{"there is no column id"}},
		{"many problems", many.String(), []string{"line 11", "and 20 more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := enrol.ReadPeople(strings.NewReader(tt.text))
			if !errors.Is(err, track.ErrInvalid) || got != nil {
				t.Fatalf("got %+v, %v", got, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
		})
	}
}

// endless is a file without end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		e.n++
		return copy(p, "id,name\n"), nil
	}
	e.n++
	return copy(p, fmt.Sprintf("e%d,%s\n", e.n, strings.Repeat("x", 150))), nil
}

type failing struct{ r io.Reader }

func (f failing) Read(p []byte) (int, error) {
	if n, err := f.r.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	return 0, errors.New("disk is broken")
}

func TestReadPeopleEnds(t *testing.T) {
	if got, err := enrol.ReadPeople(&endless{}); !errors.Is(err, track.ErrInvalid) || got != nil {
		t.Errorf("without end: %d people, %v", len(got), err)
	}
	if got, err := enrol.ReadPeople(failing{strings.NewReader("id,name\ne1,Asha\n")}); err == nil || got != nil || !strings.Contains(err.Error(), "disk is broken") {
		t.Errorf("a file that cannot be read to its end: %+v, %v", got, err)
	}
	if got, err := enrol.ReadPeople(failing{strings.NewReader("")}); err == nil || got != nil || !strings.Contains(err.Error(), "disk is broken") {
		t.Errorf("a file that cannot be read: %+v, %v", got, err)
	}
}

func FuzzReadPeople(f *testing.F) {
	for _, s := range []string{"id,name\ne1,Asha\n", "\ufeffname;id\r\nA;e1", "id,name\n\"", "id\n", ",,,\n", "id,name\ne1,a\ne1,b\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		people, err := enrol.ReadPeople(strings.NewReader(s))
		if err != nil {
			if !errors.Is(err, track.ErrInvalid) || people != nil {
				t.Errorf("%q: %v with %v", s, err, people)
			}
			return
		}
		seen := map[string]bool{}
		for _, p := range people {
			if track.CheckEmployee(p.ID) != nil || seen[p.ID] {
				t.Errorf("%q gives %+v", s, p)
			}
			seen[p.ID] = true
		}
		if len(people) == 0 {
			t.Errorf("%q gives nobody, and no error", s)
		}
	})
}
