package wire_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"fieldcast/journal"
	"fieldcast/journal/internal/wire"
)

func TestRoundTrip(t *testing.T) {
	for _, want := range []journal.Record{
		{ReceivedAt: time.Unix(0, 0).UTC()},
		{Kind: journal.Started, ReceivedAt: time.Date(2026, 11, 23, 10, 0, 0, 999_999_999, time.UTC)},
		{
			Kind: journal.Message, Company: "acme", Employee: "e17", Topic: "fc/acme/e17", Payload: []byte("{}"),
			Rejected: "unreadable", Size: -1, ReceivedAt: time.Unix(-1, 1).UTC(),
		},
	} {
		const head = 7
		b := wire.Append(&want, head)
		got, err := wire.Parse(b[head:])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, error %v; want %+v", got, err, want)
		}
		for n := range b[head:] {
			if _, err := wire.Parse(b[head : head+n]); !errors.Is(err, wire.ErrFields) {
				t.Errorf("%d of %d bytes: error %v", n, len(b)-head, err)
			}
		}
		if _, err := wire.Parse(append(b[head:len(b):len(b)], 0)); !errors.Is(err, wire.ErrFields) {
			t.Errorf("a byte too many: error %v", err)
		}
	}
}
