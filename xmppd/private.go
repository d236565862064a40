package xmppd

import (
	"context"
	"errors"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Private XML storage (XEP-0049).

// maxPrivate is the maximum size of a piece of private XML in bytes, and maxPrivateElements the
// maximum number of elements that one request stores.
const (
	maxPrivate         = 64 << 10
	maxPrivateElements = 16
)

func privateHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: stanza.NSPrivate, Local: "query"}
	return map[iqKey]iqHandler{
		{toSelf, "get", query}:    handlePrivateGet,
		{toSelf, "set", query}:    handlePrivateSet,
		{toAccount, "get", query}: refuseForeign, // §2 (S-50)
		{toAccount, "set", query}: refuseForeign,
	}
}

// privateElements are the elements that a request is about: at least one, all of one namespace, and
// that no reserved one (§2).
func privateElements(query stream.Child) ([]stream.Child, error) {
	var found []stream.Child
	for c := range query.Children() {
		if c.Name.Space == "" || c.Name.Space == stanza.NSPrivate || (len(found) > 0 && c.Name.Space != found[0].Name.Space) {
			return nil, stanza.ErrBadRequest
		}
		found = append(found, c)
	}
	return found, nil
}

func handlePrivateGet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	found, err := privateElements(query)
	if err == nil && len(found) != 1 {
		err = stanza.ErrBadRequest
	}
	if err != nil {
		return nil, err
	}
	c := found[0]
	raw, err := s.server.stores.Private.Private(ctx, s.user, c.Name)
	if errors.Is(err, ErrNotFound) {
		raw, err = c.Raw(), nil // nothing stored: the request comes back
	}
	if view := s.server.mounted.private[c.Name]; view != nil && err == nil {
		raw, err = view.ReadPrivate(ctx, s.user, raw)
	}
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`<query xmlns="`+stanza.NSPrivate+`">`), raw...), "</query>"...), nil
}

// handlePrivateSet stores each element in the place of what there is of its name; several of one
// name are stored together. Those of different names are stored one after the other: if the store
// fails in between, which the client hears, the first are there.
func handlePrivateSet(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	found, err := privateElements(query)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, stanza.ErrNotAcceptable
	}
	var names []stream.Name
	pieces := make(map[stream.Name][]byte)
	size := 0
	for _, c := range found {
		raw := c.Raw()
		if size += len(raw); size > maxPrivate || len(found) > maxPrivateElements {
			return nil, stanza.ErrNotAcceptable
		}
		if _, again := pieces[c.Name]; !again {
			names = append(names, c.Name)
		} else if s.server.mounted.private[c.Name] != nil {
			return nil, stanza.ErrBadRequest // of what the server reads there is one
		}
		pieces[c.Name] = append(pieces[c.Name], raw...)
	}
	for _, c := range found {
		view := s.server.mounted.private[c.Name]
		if view == nil {
			continue
		}
		if pieces[c.Name], err = view.WritePrivate(ctx, s.user, c); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := s.server.stores.Private.SetPrivate(ctx, s.user, name, pieces[name]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
