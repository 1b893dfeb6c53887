package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"fieldcast/track"
)

// csvWriter writes a row a fix under a row of names.
type csvWriter struct {
	out    *csv.Writer
	person Person
	begun  bool
}

func newCSV(w io.Writer, p Person) *csvWriter {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	return &csvWriter{out: out, person: p}
}

var csvColumns = []string{
	"employee", "name", "recorded_at", "lat", "lon", "accuracy_m", "altitude_m", "vertical_accuracy_m", "speed_mps", "course_deg",
	"battery_pct", "charging", "mock", "trigger", "network", "quality", "received_at", "seq",
}

func (c *csvWriter) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.out.Write(csvColumns)
}

// Write adds a row.
func (c *csvWriter) Write(f track.Fix) error {
	if err := c.begin(); err != nil {
		return err
	}
	return c.out.Write([]string{
		harmless(c.person.ID), harmless(c.person.Name), utc(f.RecordedAt), number(f.Lat), number(f.Lon),
		optional(f.AccuracyM), optional(f.AltitudeM), optional(f.VerticalAccuracyM), optional(f.SpeedMPS), optional(f.CourseDeg),
		whole(f.BatteryPct), truth(f.Charging), truth(f.Mock), harmless(f.Trigger), harmless(string(f.Network)), f.Quality.String(),
		utc(f.ReceivedAt), strconv.FormatUint(f.Seq, 10),
	})
}

// Close writes what is left.
func (c *csvWriter) Close() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.out.Flush()
	return c.out.Error()
}

// harmless keeps a spreadsheet from taking text for a formula (OWASP, CSV
// injection): what begins like one gets an apostrophe, which spreadsheets take
// for "this is text". Numbers are not text, so a latitude may begin with a minus.
func harmless(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r\n|%") {
		return "'" + text
	}
	return text
}

func truth(v track.Optional[bool]) string {
	if !v.Known {
		return ""
	}
	return strconv.FormatBool(v.Value)
}
