package broker

import (
	"container/list"
	"net"
	"sync"
)

// door counts who is in, and who stands in it without having logged in.
type door struct {
	limits *Limits

	mu        sync.Mutex
	shut      bool
	inside    int
	byAddress map[string]int
	address   map[*conn]string // of those that said where they come from
	halfOpen  *list.List       // of *conn, oldest first
	waiting   map[*conn]*list.Element
}

func newDoor(limits *Limits) *door {
	return &door{limits: limits, byAddress: map[string]int{}, address: map[*conn]string{}, halfOpen: list.New(), waiting: map[*conn]*list.Element{}}
}

// enter lets a connection in, or returns why not. Past the limit of half-open
// ones it returns the oldest of them to be closed: a flood of idle connections
// then pushes out itself, and not the phones.
func (d *door) enter(c *conn) (oldest *conn, refused string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shut:
		return nil, "closing"
	case d.inside >= d.limits.Connections:
		return nil, "connections"
	}
	d.inside++
	d.waiting[c] = d.halfOpen.PushBack(c)
	if d.halfOpen.Len() > d.limits.HalfOpen {
		oldest = d.halfOpen.Front().Value.(*conn)
		d.halfOpen.Remove(d.halfOpen.Front())
		delete(d.waiting, oldest)
	}
	return oldest, ""
}

// from notes where a connection comes from, which behind a load balancer is
// known only after a while, or reports false if too many come from there.
func (d *door) from(c *conn) bool {
	address := host(c) // not under the lock
	d.mu.Lock()
	defer d.mu.Unlock()
	if most := d.limits.ConnectionsPerAddress; most > 0 && d.byAddress[address] >= most {
		return false
	}
	d.byAddress[address]++
	d.address[c] = address
	return true
}

// passed notes that a connection has logged in. It reports false if the
// connection was pushed out meanwhile.
func (d *door) passed(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.waiting[c]
	if ok {
		d.halfOpen.Remove(e)
		delete(d.waiting, c)
	}
	return ok
}

// leave notes that a connection which entered has ended.
func (d *door) leave(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.waiting[c]; ok {
		d.halfOpen.Remove(e)
		delete(d.waiting, c)
	}
	d.inside--
	address, ok := d.address[c]
	if !ok {
		return
	}
	delete(d.address, c)
	if d.byAddress[address]--; d.byAddress[address] <= 0 {
		delete(d.byAddress, address)
	}
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
}

func host(c net.Conn) string {
	addr := c.RemoteAddr().String()
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
