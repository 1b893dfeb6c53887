package disk

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"fieldcast/journal"
)

// These tests are inside the package: the encoding is nobody else's business.

func TestRecordRoundTrip(t *testing.T) {
	s := salt{1, 2, 3, 4}
	want := journal.Record{
		Seq: 1 << 60, Kind: journal.Message, Company: "acme", Employee: "e17", Topic: "fc/acme/e17", Payload: []byte("{}"),
		Rejected: "unreadable", Size: 1 << 40, ReceivedAt: time.Date(2026, 11, 23, 10, 0, 0, 999999999, time.UTC),
	}
	b := encode(&want)
	s.seal(b, want.Seq, 77)
	got, place, err := s.decode(b)
	if err != nil || place != 77 || !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v, place %d, error %v\nwant %+v", got, place, err, want)
	}
	for at := range b {
		damaged := bytes.Clone(b)
		damaged[at] ^= 0x10
		if _, _, err := s.decode(damaged); err == nil {
			t.Errorf("byte %d may change", at)
		}
		if _, _, err := s.decode(b[:at]); err == nil {
			t.Errorf("%d of %d bytes are enough", at, len(b))
		}
	}
	if _, _, err := (salt{1, 2, 3, 5}).decode(b); err == nil {
		t.Error("a record of another journal is taken")
	}
}

// FuzzDecode looks for bytes that make decode panic, or that it reads but does
// not write again in the same way.
func FuzzDecode(f *testing.F) {
	var s salt
	for _, r := range []journal.Record{
		{Kind: journal.Started},
		{Kind: journal.Message, Company: "acme", Employee: "e17", Topic: "fc/acme/e17", Payload: []byte(`{"_type":"location"}`), Size: 20, ReceivedAt: time.Unix(1_800_000_000, 5)},
		{Kind: journal.Message, Rejected: "too_large", Size: -1, ReceivedAt: time.Unix(-1, 999_999_999)},
	} {
		b := encode(&r)
		s.seal(b, 9, 1)
		f.Add(b)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headBytes {
			// The checksum would hide everything behind it from the fuzzer.
			b = bytes.Clone(b)
			b[0] = recordVersion
			s.seal(b, uint64(len(b)), 3)
		}
		r, place, err := s.decode(b)
		if err != nil {
			return
		}
		again := encode(&r)
		s.seal(again, r.Seq, place)
		r2, place2, err := s.decode(again)
		if err != nil || place2 != place || !reflect.DeepEqual(r, r2) {
			t.Fatalf("read   %+v\nwrote and read %+v, error %v", r, r2, err)
		}
	})
}
