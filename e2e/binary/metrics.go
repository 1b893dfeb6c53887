package binary

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Metric reads a value from the server's metrics, the sum over its labels; -1
// while there is none, or no answer.
func (s *Server) Metric(name string) float64 {
	resp, err := client.Get("http://" + s.Metrics + "/metrics") //nolint:noctx // the client has a limit
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	return readMetric(resp.Body, name)
}

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
