package dashboard

import (
	"context"
	"encoding/json"
	"sync"

	"fieldcast/feed"
	"fieldcast/track"
)

// liveFrame is a frame as HTTP gives it: that of the topic _live, and whether it
// is all there is, in place of what the reader has.
type liveFrame struct {
	*feed.Frame
	Complete bool `json:"complete,omitempty"`
	shared   bool // it is the same for everybody who may see all
}

// waitingFrames is how many frames may wait for a reader who is slow. What does
// not fit is made up for from the table, in one frame.
const waitingFrames = 8

// follower reads a company's frames for one who watches: first what was missed,
// then each frame as it comes, and never one that leaves a gap.
type follower struct {
	s       *server
	company string
	id      track.Identity
	sub     *feed.Subscription
	have    uint64
}

// follow begins before anything is read of the table, so that nothing falls
// between. Close the follower when done.
func (s *server) follow(company string, id track.Identity) *follower {
	return &follower{s: s, company: company, id: id, sub: s.Changes.SubscribeFrames(company, waitingFrames)}
}

func (f *follower) close() { f.sub.Close() }

// everybody returns all people, as a beginning.
func (f *follower) everybody() liveFrame {
	all := f.s.everybody(f.id, f.company)
	f.have = all.Seq
	return liveFrame{feed.NewFrame(f.company, 0, all.Seq, all.Positions, f.s.Now()), true, false}
}

// since returns what has changed after seq; everybody if the server does not
// know that number.
func (f *follower) since(seq uint64) liveFrame {
	changed, now, ok := f.s.People.After(f.company, seq)
	if !ok {
		return f.everybody()
	}
	f.have = now
	return liveFrame{feed.NewFrame(f.company, seq, now, visible(f.id, changed), f.s.Now()), false, false}
}

// next waits for the next frame that has something for this reader. It returns
// false when ctx or the feed has ended.
func (f *follower) next(ctx context.Context) (liveFrame, bool) {
	for {
		select {
		case <-ctx.Done():
			return liveFrame{}, false
		case e, open := <-f.sub.Events():
			if !open {
				return liveFrame{}, false
			}
			if frame, ok := f.take(e.Frame); ok {
				return frame, true
			}
		}
	}
}

// take follows the rules of the package feed.
func (f *follower) take(frame *feed.Frame) (liveFrame, bool) {
	switch {
	case frame.Seq < f.have:
		return liveFrame{}, false
	case frame.Prev > f.have:
		missed := f.since(f.have)
		return missed, missed.Complete || len(missed.Rows) > 0
	}
	f.have = frame.Seq
	if f.id.Role != track.RoleIntegrator {
		return liveFrame{frame, false, true}, true
	}
	frame = frame.Only(func(employee string) bool { return maySee(f.id, f.company, employee) })
	return liveFrame{frame, false, false}, len(frame.Rows) > 0
}

// frames keeps the encoding of each company's newest frame, so that a hundred
// who watch cost one encoding.
type frames struct {
	mu   sync.Mutex
	kept map[string]encodedFrame
}

type encodedFrame struct {
	frame *feed.Frame
	body  []byte
}

func (k *frames) encode(f liveFrame) ([]byte, error) {
	if !f.shared {
		return json.Marshal(f)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.kept[f.Company]; e.frame == f.Frame {
		return e.body, nil
	}
	body, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if k.kept == nil {
		k.kept = map[string]encodedFrame{}
	}
	k.kept[f.Company] = encodedFrame{f.Frame, body}
	return body, nil
}
