package gate_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"fieldcast/store/internal/gate"
	"fieldcast/track"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGate(t *testing.T) {
	g := gate.New("the database")
	inner, leave, err := g.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan bool)
	go func() { closed <- g.Close() }()
	<-inner.Done() // closing cancels the call that is inside
	select {
	case <-closed:
		t.Fatal("closed before the call has left")
	default:
	}
	leave()
	if !<-closed {
		t.Error("the first Close must say that it was")
	}
	if g.Close() {
		t.Error("the second Close must not say that it was the first")
	}
	if _, _, err := g.Enter(t.Context()); !errors.Is(err, track.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, track.ErrUnavailable)
	}
}

func TestCanceled(t *testing.T) {
	g := gate.New("the database")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := g.Enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	g.Close() // does not wait for it
}
