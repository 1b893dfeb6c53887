package e2e_test

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// readMetric adds up the samples of a metric in Prometheus' text format; -1 if
// there is none.
func readMetric(r io.Reader, name string) float64 {
	sum, found := 0.0, false
	for scan := bufio.NewScanner(r); scan.Scan(); {
		sample, ok := strings.CutPrefix(scan.Text(), name)
		if !ok || sample == "" || sample[0] != ' ' && sample[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(sample[strings.LastIndexByte(sample, ' ')+1:], 64)
		if err != nil {
			continue
		}
		sum, found = sum+value, true
	}
	if !found {
		return -1
	}
	return sum
}
