package budget

import (
	"time"
)

// Refusals are what somebody is refused after the program has worked for it: a stream that
// nobody signed in to, a stanza or a body that is too large, XML that is broken, a TLS
// handshake that failed. A client that comes again at once would have that work done again and
// again. So each costs the address, or the account where there is one, and those who have
// none left wait for the end of their connection, which keeps its place meanwhile. Nobody
// else waits for them, whatever address they share. It is safe for concurrent use; nil
// bounds nothing.
type Refusals struct{ addresses, accounts *Rate }

// RefusalTimeout is the longest that a refusal takes.
const RefusalTimeout = 10 * time.Second

// How many times as many refusals as in a second an address may have at once; and those of
// an account, which has signed in for each.
const (
	refusalsBurst          = 100
	refusalsOfAccount      = 1
	refusalsOfAccountBurst = 60
)

// NewRefusals returns a budget of so many refusals of one address a second.
func NewRefusals(perSecond float64, recorder Recorder) *Refusals {
	return &Refusals{
		addresses: NewRate(Limit{Name: "refusals of one address", Setting: "REFUSALS_PER_ADDRESS"}, perSecond, int(refusalsBurst*perSecond), recorder),
		accounts:  NewRate(Limit{Name: "refusals of one account"}, refusalsOfAccount, refusalsOfAccountBurst, recorder),
	}
}

// Take notes a refusal of user, or of addr if user is empty, and returns for how long it
// is to be drawn out: 0 to RefusalTimeout. It does not block.
func (r *Refusals) Take(addr, user string) time.Duration {
	switch {
	case r == nil:
		return 0
	case user != "":
		return r.accounts.Delay(user, 1, RefusalTimeout)
	}
	return r.addresses.Delay(Network(addr), 1, RefusalTimeout)
}
