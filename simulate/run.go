package simulate

import (
	"context"
	"sync"
)

// Run plays the phones of o until ctx ends, or until all of them have
// delivered their recorded tracks. A broker that is away or refuses a phone is
// not an error: phones try again, as real ones do, and a warning is logged. At
// the end of ctx the phones say goodbye; what is not acknowledged is Pending
// in the report.
//
// Run returns a [track.ErrInvalid] for options that make no sense, else nil.
// All its goroutines have ended when it returns.
func Run(ctx context.Context, o Options) (Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Report{}, err
	}
	var s stats
	if err := s.register(o.Registerer); err != nil {
		return Report{}, err
	}
	var phones sync.WaitGroup
	for number := range o.Phones {
		phones.Go(func() { newPhone(&o, &s, number).run(ctx) })
	}
	phones.Wait()
	return s.report(), nil
}
