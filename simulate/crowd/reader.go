package crowd

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"
)

// ReaderOptions of a [Reader].
type ReaderOptions struct {
	// Addr is the server's MQTT address, host:port.
	Addr string
	// As is who subscribes. Its Company and Employee are not used.
	As Phone
	// Filter is what the reader subscribes to, with QoS (0 or 1).
	Filter string
	QoS    byte
}

// Reader is a subscriber that notes how old fixes are when it gets them, by the
// time in them: its clock must be that of the phones. It understands OwnTracks
// locations and live frames.
type Reader struct {
	conn net.Conn
	in   *bufio.Reader

	began    time.Time
	messages int
	fixes    []uint32          // their ages in microseconds, of OwnTracks locations
	changes  []uint32          // of live frames
	last     map[string]string // when the fix was recorded that a live frame had of somebody
}

// Seen is what a reader has got.
type Seen struct {
	Messages  int
	Fixes     int     // OwnTracks locations
	Age       Latency // of those fixes
	Changes   int     // rows of live frames with a fix since the reader began; others tell that somebody connects
	ChangeAge Latency // of those fixes
}

// errRefused is what a server said no to.
var errRefused = errors.New("the server refused it")

// NewReader connects and subscribes; ctx bounds that.
func NewReader(ctx context.Context, o ReaderOptions) (*Reader, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("crowd: reader: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // closed below then
	r := &Reader{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), began: time.Now(), last: map[string]string{}}
	err = r.subscribe(o)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("crowd: reader of %s: %w", o.Filter, err)
	}
	return r, nil
}

func (r *Reader) subscribe(o ReaderOptions) error {
	const never = 0 // no keep-alive
	if _, err := r.conn.Write(appendConnect(nil, &o.As, never, true)); err != nil {
		return err
	}
	if _, err := r.expect(typeConnAck, 1); err != nil {
		return err
	}
	body := appendString([]byte{0, 1}, o.Filter)
	body = append(body, o.QoS)
	if _, err := r.conn.Write(append(appendHead(nil, typeSubscribe<<4|2, len(body)), body...)); err != nil {
		return err
	}
	_, err := r.expect(typeSubAck, 2)
	return err
}

// expect reads up to a packet of a kind, whose code stands at a place; those
// before it are messages.
func (r *Reader) expect(kind byte, code int) ([]byte, error) {
	for {
		head, body, err := r.next(nil)
		switch {
		case err != nil:
			return nil, err
		case head>>4 != kind:
			continue
		case len(body) <= code || body[code] >= 0x80 || kind == typeConnAck && body[code] != 0:
			return nil, fmt.Errorf("%w: % x", errRefused, body)
		}
		return body, nil
	}
}

// next reads a packet into buf, which it may grow.
func (r *Reader) next(buf []byte) (head byte, body []byte, err error) {
	if head, err = r.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return 0, nil, err
	}
	if n >= 1<<28 {
		return 0, nil, errMalformed
	}
	body = slices.Grow(buf[:0], int(n))[:n] //nolint:gosec // less than 2^28
	_, err = io.ReadFull(r.in, body)
	return head, body, err
}

// Read reads until Close, or the connection ends otherwise, which is an error.
func (r *Reader) Read() error {
	var buf []byte
	for {
		head, body, err := r.next(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("crowd: reader: %w", err)
		}
		buf = body
		if head>>4 != typePublish {
			continue
		}
		if err := r.message(head, body, time.Now()); err != nil {
			return fmt.Errorf("crowd: reader: %w", err)
		}
	}
}

// message notes what is in a PUBLISH and acknowledges it [MQTT 3.1.1, 3.3].
func (r *Reader) message(head byte, body []byte, now time.Time) error {
	if len(body) < 2 {
		return errMalformed
	}
	at := 2 + int(binary.BigEndian.Uint16(body))
	if qos := head >> 1 & 3; qos > 0 {
		if len(body) < at+2 {
			return errMalformed
		}
		if _, err := r.conn.Write([]byte{typePubAck << 4, 2, body[at], body[at+1]}); err != nil {
			return err
		}
		at += 2
	}
	if len(body) < at {
		return errMalformed
	}
	r.messages++
	r.note(body[at:], now)
	return nil
}

// note takes the ages of the fixes in a message; there are none in one of
// another kind.
func (r *Reader) note(payload []byte, now time.Time) {
	var m struct {
		Type string      `json:"_type"`
		Time json.Number `json:"tst"`
		Cols []string    `json:"cols"`
		Rows [][]any     `json:"rows"`
	}
	if json.Unmarshal(payload, &m) != nil {
		return
	}
	if m.Type == "location" {
		if seconds, err := strconv.ParseFloat(m.Time.String(), 64); err == nil {
			r.fixes = append(r.fixes, age(now, time.UnixMicro(int64(seconds*1e6))))
		}
		return
	}
	who, when := slices.Index(m.Cols, "employee"), slices.Index(m.Cols, "recorded_at")
	for _, row := range m.Rows {
		if who >= 0 && when >= 0 && max(who, when) < len(row) {
			r.noteChange(fmt.Sprint(row[who]), fmt.Sprint(row[when]), now)
		}
	}
}

func (r *Reader) noteChange(employee, recordedAt string, now time.Time) {
	recorded, err := time.Parse(time.RFC3339Nano, recordedAt)
	if err != nil || recorded.Before(r.began) || r.last[employee] == recordedAt {
		return
	}
	r.last[employee] = recordedAt
	r.changes = append(r.changes, age(now, recorded))
}

// age is in microseconds; what is from the future is new.
func age(now, recorded time.Time) uint32 {
	return uint32(min(max(now.Sub(recorded).Microseconds(), 0), 1<<32-1)) //nolint:gosec // bounded
}

// Close ends the connection, and with it Read.
func (r *Reader) Close() error { return r.conn.Close() }

// SeenBy adds up what readers have got; their Read must have ended.
func SeenBy(readers ...*Reader) Seen {
	var all Seen
	var fixes, changes []uint32
	for _, r := range readers {
		all.Messages += r.messages
		fixes = append(fixes, r.fixes...)
		changes = append(changes, r.changes...)
	}
	all.Fixes, all.Changes = len(fixes), len(changes)
	all.Age, all.ChangeAge = latencyOf(fixes), latencyOf(changes)
	return all
}
