// Package export writes a person's fixes in the formats of maps, tables and
// programs: GPX 1.1, GeoJSON (RFC 7946), KML 2.2, CSV (RFC 4180) and NDJSON.
// Call [New], then [Writer.Write] for each fix, oldest first, then
// [Writer.Close].
//
//	w, err := export.New(export.GPX, out, export.Person{ID: "e17", Name: "Asha Rao"})
//	err = w.Write(fix)
//	err = w.Close()
//
// All fixes are written as they were stored, marks beside them, and nothing is
// kept in memory but a thousand fixes at most. Times are UTC, lengths metres,
// speeds metres a second. Where a format draws lines, they are cut where the
// phone was silent for more than five minutes.
package export
