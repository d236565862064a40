package muc

import (
	"errors"

	"foyer/internal/stanza"
)

// The errors that xmppd does not have. Clients look at the type and the condition
// first, so that these are as XEP-0045 has them (S-79); people read the text.
var (
	// errEnding: the room ends, or only leaves memory; in a moment it is known what
	// comes after it (Service.withRoom).
	errEnding          = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "This room has been closed."}
	errNotSetUp        = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "This room is still being set up. Try again in a moment."}
	errSetUpFirst      = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAllowed, Text: "Set the room up first: until then nothing can be said in it."}
	errNotAuthorized   = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.NotAuthorized, Text: "This room needs a password, and this was not the right one."}
	errMembersOnly     = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.RegistrationRequired, Text: "Only members may enter this room. Ask somebody in it to invite you."}
	errBanned          = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.Forbidden, Text: "You have been banned from this room."}
	errNickTaken       = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.Conflict, Text: "Somebody else has that name in this room. Choose another one."}
	errRoomTaken       = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.Conflict, Text: "There is a room of that name already."}
	errSelfBan         = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.Conflict, Text: "You cannot ban yourself."}
	errNoNick          = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.JIDMalformed, Text: "Choose a name to use in this room."}
	errFull            = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ServiceUnavailable, Text: "This room is full. Try again later."}
	errNotOccupant     = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "Enter the room first."}
	errNotHere         = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAcceptable, Text: "You are not in this room."} // XEP-0410 §3.3
	errNoSuchOccupant  = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "Nobody in this room has that name."}
	errNotSaid         = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "This room has no such message of yours."}
	errNoPrivate       = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.Forbidden, Text: "You may not send private messages in this room."}
	errNoVoice         = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.Forbidden, Text: "You may not speak in this room. Ask a moderator."}
	errNotInvited      = &stanza.Error{Type: stanza.ErrorAuth, Condition: stanza.Forbidden, Text: "There is no invitation to decline."}
	errNotAcceptable   = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "One of the values is not possible."}
	errNeedsPassword   = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "Choose a password for the room, or leave the room without one."}
	errTooLarge        = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.PolicyViolation, Text: "This is too large."}
	errCreationBarred  = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAllowed, Text: "You have created as many rooms as you may."}
	errTooManyListed   = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: "This room has as many members as it can have."}
	errReserved        = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAllowed, Text: "That name is kept for a room of the site, which is not there yet. The people who run the site can make it."} // XEP-0045 §10.1.1
	errTooManyJoined   = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: "You are in as many rooms as you may be."}
	errTooManyPinned   = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.ResourceConstraint, Text: "As many messages are pinned here as can be. Unpin one first."}
	errNothingToPin    = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "That message no longer exists."}
	errUnknownAccount  = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.ItemNotFound, Text: "There is no such account."}
	errHasVoice        = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAllowed, Text: "You may speak already."}
	errNoModerator     = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.RecipientUnavailable, Text: "No moderator is here."}
	errAskedAlready    = &stanza.Error{Type: stanza.ErrorWait, Condition: stanza.PolicyViolation, Text: "The moderators were asked a moment ago."}
	errNoLastOwnerLeft = &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.Conflict, Text: "A room needs an owner."}
)

// nickRefused says why a nickname cannot be used.
func nickRefused(why error) error {
	return &stanza.Error{Type: stanza.ErrorCancel, Condition: stanza.NotAcceptable, Text: why.Error()}
}

// asJoinError marks an error as the answer to an attempt to enter, by the x that
// was sent (XEP-0045 §7.2): some clients take no other for it.
func asJoinError(err error) error {
	var se *stanza.Error
	if !errors.As(err, &se) {
		return err
	}
	answer := *se
	answer.Echo = `<x xmlns="` + stanza.NSMUC + `"/>`
	return &answer
}

// inPlainWords gives a refusal that has no text one that people understand: clients
// show it (RFC 6120 §8.3.2).
func inPlainWords(err error) error {
	var se *stanza.Error
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
