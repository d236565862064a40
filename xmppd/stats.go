package xmppd

import "sync/atomic"

// Stats counts what the server did since it started.
type Stats struct {
	SessionsBound   int64 // new sessions (RFC 6120 §7)
	SessionsResumed int64 // streams resumed (XEP-0198 §5)
	Sessions        int64 // bound now, hibernating ones included
	RosterGets      int64 // rosters fetched (RFC 6121 §2.1.3)
	Archived        int64 // messages stored
}

type counters struct{ bound, resumed, rosterGets atomic.Int64 }

// Stats returns the counts. It is safe to call at any time.
func (srv *Server) Stats() Stats {
	st := Stats{
		SessionsBound:   srv.stats.bound.Load(),
		SessionsResumed: srv.stats.resumed.Load(),
		RosterGets:      srv.stats.rosterGets.Load(),
		Archived:        srv.archive.Count(),
	}
	for _, a := range srv.registry.online() {
		st.Sessions += int64(len(a.all()))
	}
	return st
}
