package stanza

// The namespaces that more than one package needs. One that belongs to a single
// capability is in the file of that capability; none is written down twice
// (internal/arch).
const (
	NSAltBOSH      = "urn:xmpp:alt-connections:xbosh" // XEP-0156
	NSAltWebSocket = "urn:xmpp:alt-connections:websocket"

	NSBind        = "urn:ietf:params:xml:ns:xmpp-bind"
	NSCaps        = "http://jabber.org/protocol/caps"       // XEP-0115
	NSChatMarkers = "urn:xmpp:chat-markers:0"               // XEP-0333
	NSChatStates  = "http://jabber.org/protocol/chatstates" // XEP-0085
	NSConference  = "jabber:x:conference"                   // XEP-0249
	NSCorrect     = "urn:xmpp:message-correct:0"            // XEP-0308
	NSCSI         = "urn:xmpp:csi:0"                        // XEP-0352
	NSDataForms   = "jabber:x:data"                         // XEP-0004
	NSDelay       = "urn:xmpp:delay"                        // XEP-0203
	NSDiscoInfo   = "http://jabber.org/protocol/disco#info"
	NSDiscoItems  = "http://jabber.org/protocol/disco#items"
	NSForward     = "urn:xmpp:forward:0"                // XEP-0297
	NSHints       = "urn:xmpp:hints"                    // XEP-0334
	NSMAM         = "urn:xmpp:mam:2"                    // XEP-0313
	NSNick        = "http://jabber.org/protocol/nick"   // XEP-0172
	NSOccupantID  = "urn:xmpp:occupant-id:0"            // XEP-0421
	NSPing        = "urn:xmpp:ping"                     // XEP-0199
	NSPrivate     = "jabber:iq:private"                 // XEP-0049
	NSPubsub      = "http://jabber.org/protocol/pubsub" // XEP-0060
	NSReactions   = "urn:xmpp:reactions:0"              // XEP-0444
	NSReceipts    = "urn:xmpp:receipts"                 // XEP-0184
	NSRetract     = "urn:xmpp:message-retract:1"
	NSOldRetract  = "urn:xmpp:message-retract:0"
	NSFallback    = "urn:xmpp:fallback:0"         // what a text holds for clients that do not know better (XEP-0428)
	NSModerate    = "urn:xmpp:message-moderate:1" // XEP-0425
	NSFasten      = "urn:xmpp:fasten:0"
	NSRoster      = "jabber:iq:roster" // RFC 6121 §2
	NSRSM         = "http://jabber.org/protocol/rsm"
	NSSASL        = "urn:ietf:params:xml:ns:xmpp-sasl"
	NSSASL2       = "urn:xmpp:sasl:2"                     // XEP-0388
	NSSASLCB      = "urn:xmpp:sasl-cb:0"                  // XEP-0440
	NSSession     = "urn:ietf:params:xml:ns:xmpp-session" // RFC 3921 §3
	NSSID         = "urn:xmpp:sid:0"                      // XEP-0359
	NSSM          = "urn:xmpp:sm:3"                       // XEP-0198
	NSStanzas     = "urn:ietf:params:xml:ns:xmpp-stanzas"
	NSTime        = "urn:xmpp:time" // XEP-0202
	NSTLS         = "urn:ietf:params:xml:ns:xmpp-tls"
	NSVCard       = "vcard-temp" // XEP-0054

	NSMUC     = "http://jabber.org/protocol/muc" // XEP-0045
	NSMUCUser = NSMUC + "#user"

	NSOMEMO    = "urn:xmpp:omemo:2" // XEP-0384
	NSOldOMEMO = "eu.siacs.conversations.axolotl"
)
