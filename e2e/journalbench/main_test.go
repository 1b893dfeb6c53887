package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--rounds", "1", "--seconds", "0.05"}, &out); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(out.String(), "disk  "); rows != len(crowds) || !strings.Contains(out.String(), "1.00") {
		t.Errorf("got\n%s", out.String())
	}
	for _, args := range [][]string{{"--rounds", "0"}, {"--redis", "a,b"}, {"--redis", "a,fsync,x,redis://h"}, {"more"}} {
		if err := run(t.Context(), args, &out); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
