package xmppd

import (
	"context"

	"foyer/internal/budget"
	"foyer/internal/stream"
)

// What one account may spend of what all share, over all its streams together: a
// bound for each stream is none where somebody may open a hundred. Nothing
// is dropped: the account's streams are read more slowly (RFC 6120 §13.12).
//
// What goes out to many is bounded as well (fanout.go).
type spending struct {
	input    *budget.Rate           // bytes that are sent to the server
	presence *budget.Rate           // of them, bytes of presence: all who see it get it
	archive  *budget.Rate           // bytes that are stored in archives
	answers  *budget.Rate           // bytes of answers to its own requests
	asking   *budget.KeyedSemaphore // requests that are answered at the same time
}

// Rates in bytes a second, and at once. A stanza counts as stanzaCost bytes beside
// its own, so that many small ones are no cheaper. The input is what a stream may
// send (xmppgw), with both its bounds: one stream alone is not slowed here.
const (
	stanzaCost    = 256
	inputRate     = 512 << 10
	inputBurst    = 2 << 20
	presenceRate  = 16 << 10
	presenceBurst = 1 << 20
	answerRate    = 2 << 20
	answerBurst   = 16 << 20
	archiveBurst  = 256 // times the rate
)

// Requests of one account that are answered at the same time, by which it holds
// connections of the database.
const maxConcurrentPerAccount = 4

// No bound for all accounts together: the database's pool has its own.
const maxConcurrentOfAll = 1 << 30

func newSpending(archiveRate int, m budget.Recorder) spending {
	rate := func(name string, perSecond, burst int) *budget.Rate {
		return budget.NewRate(budget.Limit{Name: name}, float64(perSecond), burst, m)
	}
	return spending{
		input:    rate("stanzas of one account", inputRate, inputBurst),
		presence: rate("presence of one account", presenceRate, presenceBurst),
		archive: budget.NewRate(budget.Limit{Name: "archived bytes of one account", Setting: "ARCHIVE_RATE"},
			float64(archiveRate), archiveBurst*archiveRate, m),
		answers: rate("answers to one account", answerRate, answerBurst),
		asking:  budget.NewKeyedSemaphore(budget.Limit{Name: "requests of one account at once"}, maxConcurrentOfAll, maxConcurrentPerAccount, m),
	}
}

// admit waits until an account may have another stanza handled.
func (sp *spending) admit(ctx context.Context, user string, el *stream.Element) error {
	n := len(el.Raw)
	if err := sp.input.Wait(ctx, user, n+stanzaCost); err != nil {
		return err
	}
	switch el.Name.Local {
	case "presence":
		return sp.presence.Wait(ctx, user, n)
	case "message": // it may be stored for both
		return sp.archive.Wait(ctx, user, 2*n)
	}
	return nil
}

// SpendArchive charges an account with bytes that a request of it stores in archives, as
// SpendFanOut does. Messages are charged as they come in.
func (srv *Server) SpendArchive(ctx context.Context, user string, n int) error {
	return spend(ctx, srv.spending.archive, user, n)
}
