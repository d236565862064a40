package remote

import (
	"context"
	"errors"
	"testing"
)

// The stream is opened once for all who wait, each of whom waits as long as it likes; an
// attempt that fails is everybody's answer.
func TestService_OneAttempt(t *testing.T) {
	dialling, answer, dials := make(chan struct{}), make(chan error), 0
	s := NewService(func(ctx context.Context, _ string) (Conn, error) {
		dials++
		close(dialling)
		return nil, <-answer
	}, "site")
	defer s.Close()
	patient := make(chan error, 1)
	go func() {
		_, err := s.open(t.Context())
		patient <- err
	}()
	<-dialling
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.open(hurried); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody who does not wait: %v", err)
	}
	refused := errors.New("refused")
	answer <- refused
	if err := <-patient; !errors.Is(err, refused) || errors.Is(err, ErrUnreachable) {
		t.Errorf("somebody who waits: %v", err)
	}
	if _, err := s.open(t.Context()); !errors.Is(err, refused) || dials != 1 {
		t.Errorf("a moment later: %v, %d attempts", err, dials)
	}
}
