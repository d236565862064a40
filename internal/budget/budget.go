// Package budget holds what one account or one address may spend of what all
// share: a rate (stanzas, bytes, deliveries a second) or a share of a whole
// (memory for bodies, decoders, searches at once). A bound for each stream or
// request is no bound where somebody may open many of them; these are kept by
// name, so that one member never takes another's part.
//
// Everything here is safe for concurrent use, and its memory is bounded by the
// number of names that spend at the moment.
package budget

// Limit names a bound, for the log and for `foyer doctor`.
type Limit struct {
	Name    string // what is bounded, such as "streams of one address"
	Setting string // the environment variable that changes it; empty: none
}

// Recorder is told when a limit is met. A LimitLog is one; nil is allowed wherever a
// Recorder is taken.
type Recorder interface {
	// LimitHit notes that name (an account, an address) met the limit. It does not block.
	LimitHit(limit Limit, name string)
}

func limitHit(m Recorder, limit Limit, name string) {
	if m != nil {
		m.LimitHit(limit, name)
	}
}
