package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"fieldcast/store/internal/row"
)

// ids are the small numbers of a person and their company.
type ids struct{ employee, company int64 }

// maxPeople bounds the memory of the cache: beyond it, it starts anew.
const maxPeople = 200_000

// people remembers ids, so that a commit need not look up everybody in every
// batch. Nobody is ever removed from the directory and ids do not change, so
// what it knows stays true.
type people struct {
	mu sync.Mutex
	m  map[row.Person]ids
}

func newPeople() people { return people{m: make(map[row.Person]ids)} }

func (p *people) get(who row.Person) (ids, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.m[who]
	return id, ok
}

// learn remembers what a transaction found, once it is committed.
func (p *people) learn(found map[row.Person]ids) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.m)+len(found) > maxPeople {
		clear(p.m)
	}
	for who, id := range found {
		p.m[who] = id
	}
}

// resolve finds the ids of a person, adding company and person to the
// directory if they are not there.
func (c *commit) resolve(ctx context.Context, who row.Person) (ids, error) {
	if id, ok := c.store.people.get(who); ok {
		return id, nil
	}
	company, err := c.company(ctx, who.Company)
	if err != nil {
		return ids{}, err
	}
	id := ids{company: company}
	const find = "SELECT id FROM employee WHERE company_id = ? AND key = ?"
	err = c.tx.QueryRowContext(ctx, find, company, who.Employee).Scan(&id.employee)
	if errors.Is(err, sql.ErrNoRows) {
		err = c.tx.QueryRowContext(ctx,
			"INSERT INTO employee (company_id, key, name, created_us) VALUES (?1, ?2, ?2, ?3) RETURNING id",
			company, who.Employee, c.nowUS).Scan(&id.employee)
	}
	if err != nil {
		return ids{}, err
	}
	c.found[who] = id
	return id, nil
}

// company finds the id of a company, adding it if it is not there.
func (c *commit) company(ctx context.Context, key string) (int64, error) {
	if id, ok := c.companies[key]; ok {
		return id, nil
	}
	var id int64
	err := c.tx.QueryRowContext(ctx, "SELECT id FROM company WHERE key = ?", key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = c.tx.QueryRowContext(ctx,
			"INSERT INTO company (key, name, created_us) VALUES (?1, ?1, ?2) RETURNING id", key, c.nowUS).Scan(&id)
	}
	if err != nil {
		return 0, err
	}
	c.companies[key] = id
	return id, nil
}
