package enrol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"fieldcast/identity"
	"fieldcast/track"
)

const (
	maxFileBytes = 64 << 20 // a list of people
	maxProblems  = 10       // that one message lists
)

// Import adds the people of a list, all or none; see [ReadPeople] for its form.
// Besides the errors of [Desk.Add], a [track.ErrInvalid] or [track.ErrExists]
// lists what is wrong, line by line.
func (d Desk) Import(ctx context.Context, company string, r io.Reader) ([]identity.Credential, error) {
	there, err := d.present(ctx, company)
	if err != nil {
		return nil, err
	}
	people, lines, err := readPeople(r)
	if err != nil {
		return nil, err
	}
	var problems []string
	for i, p := range people {
		if there[p.ID] {
			problems = append(problems, fmt.Sprintf("line %d: %s exists already", lines[i], p.ID))
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w, so nobody was added: %s", track.ErrExists, list(problems))
	}
	return d.Add(ctx, company, people)
}

// ReadPeople reads a list of people: CSV with a header that has the columns id
// and name and may have the column team, in any order, among others that are not
// looked at. Commas and
// semicolons separate, as spreadsheets do it. A [track.ErrInvalid] lists what
// is wrong, line by line.
func ReadPeople(r io.Reader) ([]track.Employee, error) {
	people, _, err := readPeople(r)
	return people, err
}

// readPeople also returns the line on which each one stands.
func readPeople(r io.Reader) (people []track.Employee, lines []int, err error) {
	rows, at, err := openCSV(r)
	if err != nil {
		return nil, nil, err
	}
	var problems []string
	firstLine := map[string]int{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, describe(err))
			if !errors.Is(err, csv.ErrFieldCount) {
				break // what follows cannot be told apart
			}
			continue
		}
		line, _ := rows.FieldPos(0)
		p := track.Employee{ID: strings.TrimSpace(row[at["id"]]), Name: strings.TrimSpace(row[at["name"]])}
		var badTeam error
		if column, ok := at["team"]; ok {
			p.Team, badTeam = track.CleanTeam(row[column])
		}
		err = errors.Join(track.CheckEmployee(p.ID), checkName(p.Name), badTeam)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("line %d: %s", line, strings.ReplaceAll(err.Error(), "\n", "; ")))
		case firstLine[p.ID] > 0:
			problems = append(problems, fmt.Sprintf("line %d: %s stands on line %d already", line, p.ID, firstLine[p.ID]))
		case len(people) >= MaxPeople:
			return nil, nil, track.Invalid("list", "has more than %d people", MaxPeople)
		default:
			firstLine[p.ID] = line
			people, lines = append(people, p), append(lines, line)
		}
	}
	switch {
	case len(problems) > 0:
		return nil, nil, track.Invalid("list", "nobody was added: %s", list(problems))
	case len(people) == 0:
		return nil, nil, track.Invalid("list", "nobody is in it")
	}
	return people, lines, nil
}

// openCSV reads the header and returns where the columns are.
func openCSV(r io.Reader) (rows *csv.Reader, at map[string]int, err error) {
	text := bufio.NewReader(&limited{r: r, left: maxFileBytes})
	if mark, err := text.Peek(3); err == nil && bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = text.Discard(3) // the byte order mark of spreadsheets; it is buffered
	}
	// A short file ends within what is peeked; how it ends shows in reading it.
	start, _ := text.Peek(1024)
	header, _, _ := bytes.Cut(start, []byte("\n"))
	rows = csv.NewReader(text)
	if bytes.Contains(header, []byte(";")) && !bytes.Contains(header, []byte(",")) {
		rows.Comma = ';'
	}
	names, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, track.Invalid("list", "is empty; it needs a header with the columns id and name")
	}
	if err != nil {
		return nil, nil, track.Invalid("list", "%s", describe(err))
	}
	at = map[string]int{}
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if _, twice := at[n]; twice && (n == "id" || n == "name" || n == "team") {
			return nil, nil, track.Invalid("list", "line 1: the column %s is there twice", n)
		}
		at[n] = i
	}
	for _, need := range []string{"id", "name"} {
		if _, ok := at[need]; !ok {
			return nil, nil, track.Invalid("list", "line 1: there is no column %s; the header must have id and name", need)
		}
	}
	return rows, at, nil
}

func describe(err error) string {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Sprintf("line %d: %v", parse.Line, parse.Err)
	}
	return err.Error()
}

func list(problems []string) string {
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(problems, "; ")
}

// limited fails when there is too much, where [io.LimitReader] would end as if
// that were all.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("it is larger than %d MiB", maxFileBytes>>20)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
