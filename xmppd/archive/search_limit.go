package archive

import (
	"context"
	"strings"
	"time"

	"foyer/internal/budget"
	"foyer/internal/stanza"
)

// Searches are few at once, whatever the number of streams: the database has as
// many connections for them. An account has one of them, so that three accounts whose
// searches take long still leave one to others.
const (
	maxConcurrentSearches = 4
	searchesOfAccount     = 1

	// How long a search waits for its turn.
	searchTimeout = 2 * time.Second
)

// errBusySearching refuses a search whose turn does not come.
var errBusySearching = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: "Too many searches at once. Please try again in a moment."}

func newSearches(recorder budget.Recorder) *budget.KeyedSemaphore {
	return budget.NewKeyedSemaphore(budget.Limit{Name: "searches of one account at once"}, maxConcurrentSearches, searchesOfAccount, recorder)
}

// read returns a page for a client. A search waits for its account's turn.
func (a *Archive) read(ctx context.Context, c Reader, q Query) (Page, error) {
	if q.Text == "" {
		return a.store.Query(ctx, q)
	}
	account, _, _ := strings.Cut(c.JID(), "/")
	release, err := a.SearchTurn(ctx, account)
	if err != nil {
		return Page{}, err
	}
	defer release()
	return a.store.Query(ctx, q)
}

// SearchTurn waits until an account, a bare JID, may search, and not for long. Searches
// on a site's pages and those of clients are the same account's. release must be called
// when the search is done. The error is a *stanza.Error of type wait when the turn does not
// come.
func (a *Archive) SearchTurn(ctx context.Context, account string) (release func(), err error) {
	turn, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	release, err = a.searches.Acquire(turn, account, 1)
	if err != nil && ctx.Err() == nil {
		err = errBusySearching
	}
	return release, err
}
