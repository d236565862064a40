package muc

import (
	"errors"

	"foyer/xmppd"
)

// The errors that xmppd does not have. Clients look at the type and the condition
// first, so that these are as XEP-0045 has them (S-79); people read the text.
var (
	// errEnding: the room ends, or only leaves memory; in a moment it is known what
	// comes after it (Service.withRoom).
	errEnding          = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "item-not-found", Text: "This room has been closed."}
	errNotSetUp        = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "item-not-found", Text: "This room is still being set up. Try again in a moment."}
	errSetUpFirst      = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-allowed", Text: "Set the room up first: until then nothing can be said in it."}
	errNotAuthorized   = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "not-authorized", Text: "This room needs a password, and this was not the right one."}
	errMembersOnly     = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "registration-required", Text: "Only members may enter this room. Ask somebody in it to invite you."}
	errBanned          = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "forbidden", Text: "You have been banned from this room."}
	errNickTaken       = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "conflict", Text: "Somebody else has that name in this room. Choose another one."}
	errRoomTaken       = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "conflict", Text: "There is a room of that name already."}
	errSelfBan         = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "conflict", Text: "You cannot ban yourself."}
	errNoNick          = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "jid-malformed", Text: "Choose a name to use in this room."}
	errFull            = &xmppd.StanzaError{Type: xmppd.ErrorWait, Condition: "service-unavailable", Text: "This room is full. Try again later."}
	errNotOccupant     = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "not-acceptable", Text: "Enter the room first."}
	errNotHere         = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-acceptable", Text: "You are not in this room."} // XEP-0410 §3.3
	errNoSuchOccupant  = &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "item-not-found", Text: "Nobody of that name is in this room."}
	errNoPrivate       = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "forbidden", Text: "You may not send private messages in this room."}
	errNoVoice         = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "forbidden", Text: "You may not speak in this room. Ask a moderator."}
	errNotInvited      = &xmppd.StanzaError{Type: xmppd.ErrorAuth, Condition: "forbidden", Text: "There is no invitation from there that could be declined."}
	errNotAcceptable   = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "not-acceptable", Text: "One of the values is not possible."}
	errNeedsPassword   = &xmppd.StanzaError{Type: xmppd.ErrorModify, Condition: "not-acceptable", Text: "Choose a password for the room, or leave it without."}
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

// nickRefused says why a nickname cannot be used.
func nickRefused(why error) error {
	return &xmppd.StanzaError{Type: xmppd.ErrorCancel, Condition: "not-acceptable", Text: why.Error()}
}

// asJoinError marks an error as the answer to an attempt to enter, by the x that
// was sent (XEP-0045 §7.2): some clients take no other for it.
func asJoinError(err error) error {
	var se *xmppd.StanzaError
	if !errors.As(err, &se) {
		return err
	}
	answer := *se
	answer.Echo = `<x xmlns="` + nsMUC + `"/>`
	return &answer
}

// inPlainWords gives a refusal that has no text one that people understand: clients
// show it (RFC 6120 §8.3.2).
func inPlainWords(err error) error {
	var se *xmppd.StanzaError
	if !errors.As(err, &se) || se.Text != "" {
		return err
	}
	answer := *se
	switch se.Condition {
	case "forbidden", "not-allowed":
		answer.Text = "You may not do that in this room."
	case "item-not-found":
		answer.Text = "There is no such room, or nothing of that kind in it."
	case "jid-malformed":
		answer.Text = "That address has characters that an address cannot have."
	case "resource-constraint":
		answer.Text = "That is too much at once."
	case "service-unavailable":
		answer.Text = "Nobody there can answer that."
	default:
		answer.Text = "The room does not understand this."
	}
	return &answer
}
