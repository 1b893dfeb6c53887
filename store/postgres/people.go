package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"fieldcast/store/internal/row"
)

// ids are the small numbers of a person and their company.
type ids struct{ employee, company int32 }

// maxPeople bounds the memory of the cache: beyond it, it starts anew.
const maxPeople = 200_000

// people remembers ids, so that a commit need not look up everybody in every
// batch. Nobody is ever removed from the directory and ids do not change, so
// what it knows stays true. Not safe for concurrent use.
type people map[row.Person]ids

func newPeople() people { return make(people) }

// learn remembers what a transaction found, once it is committed.
func (p people) learn(found people) {
	if len(p)+len(found) > maxPeople {
		clear(p)
	}
	for who, id := range found {
		p[who] = id
	}
}

// resolve finds the ids of all people of the batch, adding companies and
// people to the directory if they are not there.
func (c *commit) resolve(ctx context.Context) error {
	var unknown []row.Person
	for _, who := range c.rows.People() {
		if id, ok := c.store.people[who]; ok {
			c.who[who] = id
			continue
		}
		unknown = append(unknown, who)
	}
	if len(unknown) == 0 {
		return nil
	}
	missing, err := c.find(ctx, unknown)
	if err != nil || len(missing) == 0 {
		return err
	}
	companies, employees := columns(missing)
	if err := c.addCompanies(ctx, companies); err != nil {
		return err
	}
	// Somebody else may be adding the same people: then this waits for them.
	_, err = c.tx.Exec(ctx, `
		INSERT INTO employee (company_id, key, name, created_us)
		SELECT c.id, w.employee, w.employee, $3
		FROM unnest($1::text[], $2::text[]) w (company, employee) JOIN company c ON c.key = w.company
		ON CONFLICT DO NOTHING`, companies, employees, c.nowUS)
	if err != nil {
		return err
	}
	missing, err = c.find(ctx, missing)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("employee %s of %s could not be added to the directory", missing[0].Employee, missing[0].Company)
	}
	return err
}

// find looks people up and returns those that are not there.
func (c *commit) find(ctx context.Context, who []row.Person) (missing []row.Person, err error) {
	companies, employees := columns(who)
	rows, err := c.tx.Query(ctx, `
		SELECT w.company, w.employee, e.id, c.id
		FROM unnest($1::text[], $2::text[]) w (company, employee)
		JOIN company c ON c.key = w.company JOIN employee e ON e.company_id = c.id AND e.key = w.employee`, companies, employees)
	if err != nil {
		return nil, err
	}
	var (
		p  row.Person
		id ids
	)
	_, err = pgx.ForEachRow(rows, []any{&p.Company, &p.Employee, &id.employee, &id.company}, func() error {
		c.who[p], c.found[p] = id, id
		return nil
	})
	for _, p := range who {
		if _, ok := c.who[p]; !ok {
			missing = append(missing, p)
		}
	}
	return missing, err
}

func (c *commit) addCompanies(ctx context.Context, keys []string) error {
	_, err := c.tx.Exec(ctx,
		"INSERT INTO company (key, name, created_us) SELECT DISTINCT k, k, $2::bigint FROM unnest($1::text[]) k ON CONFLICT DO NOTHING",
		keys, c.nowUS)
	return err
}

// columns takes people apart for unnest.
func columns(who []row.Person) (companies, employees []string) {
	for _, p := range who {
		companies = append(companies, p.Company)
		employees = append(employees, p.Employee)
	}
	return companies, employees
}
