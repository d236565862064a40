package muc

import (
	"errors"

	"foyer/xmppd"
)

// The errors that xmppd does not have. Clients look at the type first, so that it
// is as XEP-0045 has it (S-79).
var (
	// errEnding: the room ends, or only leaves memory; in a moment it is known what
	// comes after it (Service.withRoom).
	errEnding          = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "item-not-found"}
	errNotAuthorized   = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "not-authorized"}
	errMembersOnly     = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "registration-required"}
	errConflict        = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "conflict"}
	errNickPolicy      = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-acceptable"}
	errFull            = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "service-unavailable"}
	errNotOccupant     = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "not-acceptable"}
	errNotHere         = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-acceptable"} // XEP-0410 §3.3
	errNotAcceptable   = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "not-acceptable"}
	errTooLarge        = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "policy-violation", Text: "This is too large."}
	errCreationBarred  = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-allowed", Text: "You have created as many rooms as you may."}
	errTooManyListed   = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "resource-constraint", Text: "The room keeps no more people."}
	errTooManyJoined   = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "resource-constraint", Text: "You are in as many rooms as you may be."}
	errUnknownAccount  = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "item-not-found", Text: "There is no such account."}
	errHasVoice        = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-allowed", Text: "You may speak already."}
	errNoModerator     = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "recipient-unavailable", Text: "No moderator is here."}
	errAskedAlready    = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "policy-violation", Text: "The moderators have been asked a moment ago."}
	errNoLastOwnerLeft = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "conflict", Text: "A room needs an owner."}
)

// atTheDoor marks an error as the answer to an attempt to enter, by the x that
// was sent (XEP-0045 §7.2): some clients take no other for it.
func atTheDoor(err error) error {
	var se *xmppd.StanzaError
	if !errors.As(err, &se) {
		return err
	}
	answer := *se
	answer.Echo = `<x xmlns="` + nsMUC + `"/>`
	return &answer
}
