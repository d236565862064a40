package xmppgw

import (
	"context"
	"errors"
	"net"
	"time"

	"foyer/internal/budget"
	"foyer/internal/socket"
	"foyer/internal/stream"
)

// Refusals, which cost the site work and a hostile client little: it comes again at once.
// Each is noted with the address, or with the account that the stream is known to be of,
// and of those who have spent what they may be refused the end is drawn out: the stream
// keeps its place, and nothing of it is read (budget.Refusals).

// holdFor notes how a stream has ended, and returns for how long it is to keep its place.
// broken: the client broke the rules of framing.
func (g *Gateway) holdFor(c carrier, broken bool) time.Duration {
	peer := c.info()
	if g.ctx.Err() != nil || !refused(c.reason(), c.counted().signedIn.Load(), broken) {
		return 0
	}
	return g.cfg.Refusals.Take(peer.Addr, peer.Identity.User)
}

// refused reports whether a stream that ended so costs its client a refusal: when nobody
// has signed in to it, whoever ended it, or when a rule was broken on it; not when it ended
// by a fault or a wish of ours.
func refused(reason error, signedIn, broken bool) bool {
	var se *stream.Error
	var bosh boshCondition
	switch {
	case broken:
		return true
	case errors.As(reason, new(seeOther)):
		return false
	case errors.As(reason, &bosh):
		return bosh == boshPolicyViolation || bosh == boshBadRequest || (!signedIn && bosh != boshSystemShutdown && bosh != boshInternalServerError)
	case !errors.As(reason, &se):
		return !signedIn
	}
	switch se.Condition {
	case stream.SystemShutdown, stream.InternalServerError, stream.RemoteConnectionFailed, stream.ResourceConstraint:
		return false
	case stream.Conflict, stream.NotAuthorized, stream.Reset, stream.ConnectionTimeout:
		return !signedIn
	}
	return true
}

// hold keeps the place of a stream that has ended for d. Until its client has closed the
// connection too, or d is over, and at least closeTimeout, that stays open: closed with
// something unread it would be reset, and the client might not see why the stream ended.
func (g *Gateway) hold(nc net.Conn, d time.Duration) {
	until := time.Now().Add(d)
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the client sees that there is no more
	}
	awaitEnd(g.ctx, nc, max(d, closeTimeout))
	_ = budget.Pause(g.ctx, time.Until(until))
}

// awaitEnd waits until the client has closed its side of a connection, d is over, or ctx
// ends. What the client still sends is not read.
func awaitEnd(ctx context.Context, nc net.Conn, d time.Duration) {
	_ = nc.SetReadDeadline(time.Now().Add(d))
	defer context.AfterFunc(ctx, func() { _ = nc.SetReadDeadline(time.Unix(1, 0)) })()
	socket.AwaitEnd(nc)
}

// refuse answers a BOSH request that no session is there for. A refusal may be drawn out.
func (g *Gateway) refuse(addr string, asker boshAsker, reply boshReply) {
	d := time.Duration(0)
	if reply.refused {
		d = g.cfg.Refusals.Take(addr, "")
	}
	if d == 0 {
		asker.answer(reply)
		return
	}
	go func() {
		_ = budget.Pause(g.ctx, d)
		asker.answer(reply)
	}()
}
