package xmppd

import (
	"log/slog"
	"sync"

	"foyer/internal/stream"
)

// account is the live state of one account: present while the account has at
// least one session, hibernating ones included.
type account struct {
	user string // localpart, prepared
	bare string // user@domain

	mu       sync.RWMutex
	sessions map[string]*session // by resource
	blocks   *blocklist          // cached; nil: not read yet (blocking.go)
}

// session is one bound resource. It outlives its stream when the stream may be
// resumed (XEP-0198).
type session struct {
	server   *Server
	account  *account
	peer     stream.Peer
	identity stream.Identity
	log      *slog.Logger

	user     string // localpart
	bare     string // user@domain
	full     string // user@domain/resource
	resource string

	mu         sync.Mutex
	stream     stream.Stream   // nil while hibernating or ended
	sm         *smState        // nil: stream management is off (sm.go)
	presence   *stream.Element // last available presence broadcast, from = full; nil: not available
	priority   int8
	interested bool                // asked for the roster (RFC 6121 §2.1.6)
	blockWatch bool                // asked for the block list (XEP-0191 §3.2)
	carbons    bool                // XEP-0280
	directed   map[string]struct{} // JIDs that got directed presence (RFC 6121 §4.6)
	ended      bool
}

// deliver queues one element for the client and never blocks. While the stream
// is lost but may be resumed, the element is kept (XEP-0198 §5). The bytes may
// be shared between sessions.
func (s *session) deliver(raw []byte) { s.enqueue(raw) }
