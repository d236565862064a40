package xmppd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// vcard-temp (XEP-0054): the site's profile as a vCard, both ways.

// maxVCardExtra is the maximum size, in bytes, of what is in a card beyond name and
// picture.
const maxVCardExtra = 16 << 10

// Encoded vCards that are kept, so that a crowd that opens the same picture
// reads it once; larger ones are not.
const (
	maxVCards     = 256
	maxCachedCard = 64 << 10 // bytes
)

func vcardHandlers() map[iqKey]iqHandler {
	vcard := stream.Name{Space: stanza.NSVCard, Local: "vCard"}
	return map[iqKey]iqHandler{
		{toSelf, "get", vcard}:    handleVCardGet,
		{toAccount, "get", vcard}: handleVCardGet,
		{toSelf, "set", vcard}:    handleVCardSet,
		{toAccount, "set", vcard}: refuseForeign,
	}
}

// handleVCardGet: another's missing card and a missing account look the same
// (XEP-0054 §3.3, S-50).
func handleVCardGet(ctx context.Context, s *session, iq *stream.Element, _ stream.Child) ([]byte, error) {
	user, err := s.ownerOf(iq)
	if err != nil {
		return nil, err
	}
	raw, err := s.server.vcard(ctx, user)
	if errors.Is(err, ErrNotFound) {
		if user == s.user {
			return nil, stanza.ErrItemNotFound
		}
		return nil, stanza.ErrServiceUnavailable
	}
	return raw, err
}

func (srv *Server) vcard(ctx context.Context, user string) ([]byte, error) {
	raw, generation := srv.vcards.get(user)
	if raw != nil {
		return raw, nil
	}
	v, err := srv.stores.VCards.VCard(ctx, user)
	if err != nil {
		return nil, err
	}
	raw = v.Payload()
	srv.vcards.put(user, raw, generation)
	return raw, nil
}

// Payload is the card as a <vCard/> (XEP-0054).
func (v VCard) Payload() []byte {
	dst := []byte(`<vCard xmlns="` + stanza.NSVCard + `">`)
	if v.Name != "" {
		name := stream.Escape(v.Name)
		dst = append(dst, `<FN>`+name+`</FN>`...)
		if !bytes.Contains(v.Extra, []byte("<NICKNAME")) { // many clients show it rather than FN
			dst = append(dst, `<NICKNAME>`+name+`</NICKNAME>`...)
		}
	}
	if len(v.Photo) > 0 {
		dst = append(dst, `<PHOTO><TYPE>`+stream.Escape(v.PhotoType)+`</TYPE><BINVAL>`...)
		dst = base64.StdEncoding.AppendEncode(dst, v.Photo)
		dst = append(dst, `</BINVAL></PHOTO>`...)
	}
	return append(append(dst, v.Extra...), `</vCard>`...)
}

// handleVCardSet takes name and picture into the site's profile, and keeps the
// rest as it is.
func handleVCardSet(ctx context.Context, s *session, _ *stream.Element, card stream.Child) ([]byte, error) {
	before, err := s.server.stores.VCards.VCard(ctx, s.user)
	if err != nil {
		return nil, err
	}
	v, err := parseVCard(card, before.Name)
	if err != nil {
		return nil, err
	}
	// The name is told to everybody who has the account on their roster, the picture to all
	// who see its presence.
	if err := s.server.SpendFanOut(ctx, s.user, len(v.Name), s.server.presenceAudience(ctx, s.user)); err != nil {
		return nil, err
	}
	err = s.server.stores.VCards.SetVCard(ctx, s.user, v)
	if errors.Is(err, ErrNotAcceptable) {
		return nil, stanza.ErrNotAcceptable
	}
	if err != nil {
		return nil, err
	}
	s.server.AccountChanged(ctx, s.user)
	return nil, nil
}

// parseVCard reads a card. A nickname that only repeats the name, as it is or as
// it was before, is not kept: it would stay behind when the name changes.
func parseVCard(card stream.Child, before string) (VCard, error) {
	var v VCard
	var err error
	var nickname stream.Child
	for c := range card.Children() {
		switch c.Name.Local {
		case "FN":
			if v.Name, err = NameIn(c); err != nil {
				return v, err
			}
		case "NICKNAME":
			nickname = c
		case "PHOTO":
			if err := v.parsePhoto(c); err != nil {
				return v, err
			}
		default:
			v.Extra = append(v.Extra, c.Raw()...)
		}
	}
	nick, err := NameIn(nickname)
	switch {
	case err != nil:
		return v, err
	case len(v.Extra) > maxVCardExtra:
		return v, &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "There is too much in this profile besides the name and the picture."}
	case v.Name == "":
		v.Name = nick
	case nick != "" && nick != v.Name && nick != before:
		v.Extra = append(append(append(v.Extra, `<NICKNAME>`...), stream.Escape(nick)...), `</NICKNAME>`...)
	}
	return v, nil
}

// parsePhoto reads an embedded picture; one that is only linked is not taken.
func (v *VCard) parsePhoto(photo stream.Child) error {
	for c := range photo.Children() {
		switch c.Name.Local {
		case "TYPE":
			v.PhotoType = strings.TrimSpace(c.Text())
		case "BINVAL":
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Text()), ""))
			if err != nil {
				return stanza.ErrBadRequest
			}
			v.Photo = data
		}
	}
	return nil
}

// vcardCache keeps encoded vCards. Its zero value is ready.
type vcardCache struct {
	mu         sync.Mutex
	cards      map[string][]byte
	generation uint64 // changes with every forget, so that a card read before a change is not kept after it
}

func (vc *vcardCache) get(user string) ([]byte, uint64) {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	return vc.cards[user], vc.generation
}

func (vc *vcardCache) put(user string, raw []byte, generation uint64) {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	if generation != vc.generation || len(raw) > maxCachedCard {
		return
	}
	if vc.cards == nil {
		vc.cards = make(map[string][]byte)
	}
	if len(vc.cards) >= maxVCards {
		for k := range vc.cards { // any: the cache only takes the edge off a crowd
			delete(vc.cards, k)
			break
		}
	}
	vc.cards[user] = raw
}

func (vc *vcardCache) forget(user string) {
	vc.mu.Lock()
	defer vc.mu.Unlock()
	vc.generation++
	delete(vc.cards, user)
}
