package xmppd

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"foyer/internal/stanza"
)

// Pictures of people as personal eventing has them (XEP-0084), and the same
// picture in the site's profile, which is also the vCard's (XEP-0398): what is
// set by one way is read by all. A data node that is not open is the client's
// own affair, and stays apart from the profile, which every member may read.

const (
	nodeAvatarData     = "urn:xmpp:avatar:data"
	nodeAvatarMetadata = "urn:xmpp:avatar:metadata"
	nsVCardConversion  = "urn:xmpp:pep-vcard-conversion:0"
)

// avatarMetadata are the ids of the pictures that a metadata item offers, but
// for those that are elsewhere (XEP-0398 §3.1); none tells that it offers
// nothing at all.
func avatarMetadata(it PubsubItem) (ids []string, none bool, err error) {
	metadata, ok := it.payload(nodeAvatarMetadata, "metadata")
	if !ok {
		return nil, false, pubsubError(stanza.ErrBadRequest, "invalid-payload")
	}
	none = true
	for info := range metadata.Children() {
		none = false
		id, _ := info.Attr("id")
		if _, elsewhere := info.Attr("url"); !elsewhere && info.Name.Local == "info" && id != "" {
			ids = append(ids, id)
		}
	}
	return ids, none, nil
}

// adoptAvatarLocked takes a picture whose metadata is being published into the
// profile; without any, the profile's picture goes (XEP-0084 §4.2.3, XEP-0398
// §3.1, S-74, S-75). It reports whether the profile changed. The caller holds the
// account's lock.
func (srv *Server) adoptAvatarLocked(ctx context.Context, user string, p publication) (changed bool, err error) {
	ids, none, err := avatarMetadata(p.item)
	if err != nil {
		return false, err
	}
	if err := srv.admits(ctx, user, p); err != nil {
		return false, err
	}
	if open, err := srv.avatarOpen(ctx, user); err != nil || !open {
		return false, err
	}
	card, err := srv.stores.VCards.VCard(ctx, user)
	if err != nil {
		return false, err
	}
	photo, id, err := srv.avatarData(ctx, user, ids)
	switch {
	case err != nil:
		return false, err
	case photo == nil && !none, // its data is not here
		id == card.PhotoHash:
		return false, nil
	}
	card.Photo, card.PhotoType = photo, ""
	err = srv.stores.VCards.SetVCard(ctx, user, card)
	if errors.Is(err, ErrNotAcceptable) {
		err = stanza.ErrNotAcceptable
	}
	return err == nil, err
}

// admits reports beforehand why a publication would be refused.
func (srv *Server) admits(ctx context.Context, user string, p publication) error {
	n, err := srv.stores.Pubsub.Node(ctx, user, p.node)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	_, err = p.admit(&n, err == nil)
	return err
}

// avatarOpen reports whether the data node is as open as the profile is.
func (srv *Server) avatarOpen(ctx context.Context, user string) (bool, error) {
	n, err := srv.stores.Pubsub.Node(ctx, user, nodeAvatarData)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return n.Config.Access == AccessOpen, err
}

// avatarData returns the first of these pictures whose data was published, and
// its id, which must be its hash (XEP-0084 §4.1).
func (srv *Server) avatarData(ctx context.Context, user string, ids []string) (photo []byte, id string, err error) {
	if len(ids) == 0 {
		return nil, "", nil
	}
	page, err := srv.stores.Pubsub.Items(ctx, ItemQuery{User: user, Node: nodeAvatarData, IDs: ids, Max: 1, Last: true})
	if err != nil || len(page.Items) == 0 {
		return nil, "", err
	}
	it := page.Items[0]
	data, ok := it.payload(nodeAvatarData, "data")
	if !ok {
		return nil, "", pubsubError(stanza.ErrBadRequest, "invalid-payload")
	}
	photo, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data.Text()), ""))
	sum := sha1.Sum(photo)
	if err != nil || !strings.EqualFold(hex.EncodeToString(sum[:]), it.ID) {
		return nil, "", stanza.ErrNotAcceptable
	}
	return photo, strings.ToLower(it.ID), nil
}

// publishAvatar makes the profile's picture the one that is published, and tells
// of it (XEP-0398 §3.2, S-75).
func (srv *Server) publishAvatar(ctx context.Context, user, hash string) error {
	release, err := srv.nodeLocks.lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	if open, err := srv.avatarOpen(ctx, user); err != nil || !open {
		return err
	}
	page, err := srv.stores.Pubsub.Items(ctx, ItemQuery{User: user, Node: nodeAvatarMetadata, Max: 1, Last: true})
	if err != nil {
		return err
	}
	published, none := []string(nil), true
	if len(page.Items) > 0 {
		if published, none, err = avatarMetadata(page.Items[0]); err != nil {
			return err
		}
	}
	if slices.Contains(published, hash) || (hash == "" && none) {
		return nil
	}
	items, err := srv.avatarItems(ctx, user, hash)
	if err != nil {
		return err
	}
	for _, p := range items {
		n, err := srv.stores.Pubsub.UpdateNode(ctx, user, p.node, p.items(), p.admit)
		if err != nil {
			return err
		}
		srv.notify(ctx, user, n, itemsEvent(n, p.items()...))
	}
	return nil
}

// avatarItems are what to publish for the profile's picture: the data first.
func (srv *Server) avatarItems(ctx context.Context, user, hash string) ([]publication, error) {
	if hash == "" {
		none := PubsubItem{ID: "none", Payload: []byte(`<metadata xmlns="` + nodeAvatarMetadata + `"/>`)}
		return []publication{{node: nodeAvatarMetadata, item: none, hasItem: true}}, nil
	}
	card, err := srv.stores.VCards.VCard(ctx, user)
	if err != nil || card.PhotoHash != hash {
		return nil, err // it changed again, and the next call is about that
	}
	data := base64.StdEncoding.AppendEncode([]byte(`<data xmlns="`+nodeAvatarData+`">`), card.Photo)
	metadata := stanza.AppendAttr([]byte(`<metadata xmlns="`+nodeAvatarMetadata+`"><info`), "id", hash)
	metadata = stanza.AppendAttr(stanza.AppendAttr(metadata, "type", card.PhotoType), "bytes", strconv.Itoa(len(card.Photo)))
	return []publication{
		{node: nodeAvatarData, item: PubsubItem{ID: hash, Payload: append(data, "</data>"...)}, hasItem: true},
		{node: nodeAvatarMetadata, item: PubsubItem{ID: hash, Payload: append(metadata, "/></metadata>"...)}, hasItem: true},
	}, nil
}

// readyAvatar publishes a picture that was in the profile before anybody asked
// for it as XEP-0084 has it.
func (srv *Server) readyAvatar(ctx context.Context, user, node string) error {
	if node != nodeAvatarData && node != nodeAvatarMetadata {
		return nil
	}
	_, err := srv.stores.Pubsub.Node(ctx, user, nodeAvatarMetadata)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	acc, err := srv.stores.Accounts.Account(ctx, user)
	if err != nil || acc.AvatarHash == "" {
		return err
	}
	return srv.publishAvatar(ctx, user, acc.AvatarHash)
}
