package xmppgw

import (
	"context"
	"maps"
	"slices"
	"time"

	"foyer/internal/stream"
)

var errSignedOut = &stream.Error{Condition: stream.NotAuthorized, Text: "signed out"}

// End closes every stream within scope, whatever its state, and whatever the
// server keeps for resumption. Nothing brings them back.
func (g *Gateway) End(scope stream.Scope, reason error) {
	for _, c := range g.all() {
		if scope.Matches(c.info().Identity) {
			c.Close(reason)
		}
	}
	if g.cfg.Server != nil {
		g.cfg.Server.End(scope, reason)
	}
	for _, server := range g.cfg.Domains {
		server.End(scope, reason)
	}
}

func (g *Gateway) all() []carrier {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.AppendSeq(make([]carrier, 0, len(g.streams)), maps.Keys(g.streams))
}

// Shutdown refuses new streams, ends the present ones with system-shutdown, and
// waits for them until ctx ends.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.stopping.Store(true)
	for _, c := range g.all() {
		c.Close(&stream.Error{Condition: stream.SystemShutdown})
	}
	g.awaitFinalPolls(ctx)
	g.cancel()
	defer g.polled.each(poller.stop)
	done := make(chan struct{})
	go func() {
		g.served.Wait()
		close(done)
	}()
	select {
	case <-done:
		return until(ctx, func() bool { return g.asked.Load() == 0 })
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until looks again and again whether something is so, until it is or ctx ends.
func until(ctx context.Context, so func() bool) error {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// awaitFinalPolls lets BOSH clients that are between two requests hear of the end:
// later they would find nobody, and take long to make sense of it.
func (g *Gateway) awaitFinalPolls(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.FinalPolls)
	defer cancel()
	_ = until(ctx, func() bool { return !g.anyWithoutEnd() })
}

// anyWithoutEnd reports whether the client of a BOSH session has not been told of
// its end.
func (g *Gateway) anyWithoutEnd() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions {
		if !s.told.Load() {
			return true
		}
	}
	return false
}
