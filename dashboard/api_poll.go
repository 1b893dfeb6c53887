package dashboard

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"fieldcast/track"
)

// poll answers with a frame: at once if something has changed after the number
// that was asked for, else when it does, else empty after the wait. The longest
// wait stays below the minute after which the server, and most proxies, give up
// on a request.
func (s *server) poll(ctx context.Context, id track.Identity, in *positionsInput) (*positionsOutput, error) {
	watching, leave, err := s.watch(ctx, "poll", in.Company, id)
	if err != nil {
		return nil, err
	}
	ended := errAnswered
	defer func() { leave(ended) }()
	frame, err := s.awaitFrame(watching, id, in)
	if err != nil {
		return nil, err
	}
	if cause := context.Cause(watching); errors.Is(cause, errRevoked) || errors.Is(cause, errExpired) {
		return nil, track.ErrUnauthorized
	}
	body, err := s.frames.encode(frame)
	if err != nil {
		return nil, err
	}
	return &positionsOutput{Status: http.StatusOK, CacheControl: "no-store", ContentType: "application/json", Body: body}, nil
}

func (s *server) awaitFrame(ctx context.Context, id track.Identity, in *positionsInput) (liveFrame, error) {
	follower := s.follow(in.Company, id)
	defer follower.close()
	if in.After == "" {
		return follower.everybody(), nil
	}
	after, err := strconv.ParseUint(in.After, 10, 64)
	if err != nil {
		return liveFrame{}, track.Invalid("after", "%q is not a sequence number", in.After)
	}
	first := follower.since(after)
	if first.Complete || len(first.Rows) > 0 {
		return first, nil
	}
	waiting, cancel := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
	defer cancel()
	if frame, ok := follower.next(waiting); ok {
		return frame, nil
	}
	// Nothing: but the reader may stand further than before.
	return follower.since(after), nil
}
