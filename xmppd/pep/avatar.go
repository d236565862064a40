package pep

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
	"foyer/xmppd"
)

// Pictures of people as personal eventing has them (XEP-0084), and the same
// picture in the site's profile, which is also the vCard's (XEP-0398): what is
// set by one way is read by all. A data node that is not open
// stays apart from the profile, which every member may read.

const (
	nodeAvatarData     = "urn:xmpp:avatar:data"
	nodeAvatarMetadata = "urn:xmpp:avatar:metadata"
	nsVCardConversion  = "urn:xmpp:pep-vcard-conversion:0"
)

// avatarMetadata returns the ids of the pictures that a metadata item offers, except
// those that are elsewhere (XEP-0398 §3.1); none: it offers nothing at all.
func avatarMetadata(it Item) (ids []string, none bool, err error) {
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

// syncAvatarToProfileLocked takes a picture whose metadata is being published into the
// profile; without any, the profile's picture goes (XEP-0084 §4.2.3, XEP-0398
// §3.1, S-74, S-75): what the profile cannot take is not published, and what cannot be published the
// profile does not keep (revertProfilePhotoLocked). The caller holds the account's lock.
func (s *Service) syncAvatarToProfileLocked(ctx context.Context, user string, p publication) (adopted photoChange, err error) {
	ids, none, err := avatarMetadata(p.item)
	if err != nil {
		return adopted, err
	}
	if err := s.admits(ctx, user, p); err != nil {
		return adopted, err
	}
	if open, err := s.avatarOpen(ctx, user); err != nil || !open {
		return adopted, err
	}
	photo, id, err := s.avatarData(ctx, user, ids)
	if err != nil || (photo == nil && !none) { // its data is not here, or not yet
		return adopted, err
	}
	return s.setPhoto(ctx, user, photo, id)
}

// revertProfilePhotoLocked gives the profile back the picture that it had, unless it has yet another one by now, and reports
// whether it has none that was adopted. It takes its own time: that of the publication may be what was over.
func (s *Service) revertProfilePhotoLocked(ctx context.Context, user string, adopted photoChange) bool {
	ctx, cancel := s.server.Renewed(ctx)
	defer cancel()
	_, err := s.vcards.SetPhoto(ctx, user, adopted.hash, adopted.before.Photo, adopted.before.PhotoType)
	if errors.Is(err, xmppd.ErrStale) {
		return true
	}
	if err != nil {
		s.log.Error("a picture that was not published stays in the profile", "user", user, "err", err)
	}
	return err == nil
}

// syncAvatarDataLocked takes a picture into the profile whose data has just been published, if the metadata
// was there before: clients publish it afterwards (XEP-0084 §3), and some do not. The caller holds
// the account's lock. One that the profile cannot take is published all the same.
func (s *Service) syncAvatarDataLocked(ctx context.Context, user string, data Node, it Item) (changed bool, err error) {
	named, _, err := s.publishedAvatar(ctx, user)
	if err != nil || data.Config.Access != AccessOpen || !slices.Contains(named, it.ID) {
		return false, err
	}
	photo, id, err := photoOf(it)
	if err == nil {
		var adopted photoChange
		adopted, err = s.setPhoto(ctx, user, photo, id)
		changed = adopted.made
	}
	if unusable, ok := errors.AsType[*stanza.Error](err); ok && unusable.Type != stanza.ErrorWait {
		return false, nil
	}
	return changed, err
}

// photoChange is what became of the profile's picture.
type photoChange struct {
	made   bool        // else it is as it was
	before xmppd.VCard // what the profile was
	hash   string      // of the picture that it has
}

// setPhoto makes a picture the profile's; no id: there is none any more. Checking it may take its time: whoever chose
// another one meanwhile, in the settings, did so later.
func (s *Service) setPhoto(ctx context.Context, user string, photo []byte, id string) (c photoChange, err error) {
	c.before, err = s.vcards.VCard(ctx, user)
	if err != nil || id == c.before.PhotoHash {
		return c, err
	}
	c.hash, err = s.vcards.SetPhoto(ctx, user, c.before.PhotoHash, photo, "")
	switch {
	case errors.Is(err, xmppd.ErrStale):
		return c, nil
	case errors.Is(err, xmppd.ErrNotAcceptable):
		err = stanza.ErrNotAcceptable
	}
	c.made = err == nil
	return c, err
}

// admits reports beforehand why a publication would be refused.
func (s *Service) admits(ctx context.Context, user string, p publication) error {
	n, err := s.store.Node(ctx, user, p.node)
	if err != nil && !errors.Is(err, xmppd.ErrNotFound) {
		return err
	}
	_, err = p.admit(&n, err == nil)
	return err
}

// avatarOpen reports whether the data node is as open as the profile is.
func (s *Service) avatarOpen(ctx context.Context, user string) (bool, error) {
	n, err := s.store.Node(ctx, user, nodeAvatarData)
	if errors.Is(err, xmppd.ErrNotFound) {
		return true, nil
	}
	return n.Config.Access == AccessOpen, err
}

// avatarData returns the first of these pictures whose data was published, and
// its id, which must be its hash (XEP-0084 §4.1).
func (s *Service) avatarData(ctx context.Context, user string, ids []string) (photo []byte, id string, err error) {
	if len(ids) == 0 {
		return nil, "", nil
	}
	page, err := s.store.Items(ctx, ItemQuery{User: user, Node: nodeAvatarData, IDs: ids, Max: 1, Last: true})
	if err != nil || len(page.Items) == 0 {
		return nil, "", err
	}
	return photoOf(page.Items[0])
}

// photoOf returns the picture of a data item, and its id.
func photoOf(it Item) (photo []byte, id string, err error) {
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

// ProfileChanged implements xmppd.ProfileWatcher: a changed picture is published.
func (s *Service) ProfileChanged(ctx context.Context, a xmppd.Account) {
	if err := s.publishAvatar(ctx, a.User, a.AvatarHash); err != nil && !errors.Is(err, xmppd.ErrNotFound) {
		s.log.Error("a changed picture was not published", "user", a.User, "err", err)
	}
}

// publishAvatar makes the profile's picture the one that is published, and tells
// of it (XEP-0398 §3.2, S-75).
func (s *Service) publishAvatar(ctx context.Context, user, hash string) error {
	release, err := s.changing.Lock(ctx, user)
	if err != nil {
		return err
	}
	defer release()
	if open, err := s.avatarOpen(ctx, user); err != nil || !open {
		return err
	}
	published, none, err := s.publishedAvatar(ctx, user)
	if err != nil || slices.Contains(published, hash) || (hash == "" && none) {
		return err
	}
	if !none {
		if apart, err := s.isUnlinkedAvatar(ctx, user, published, hash); err != nil || apart {
			return err
		}
	}
	items, err := s.avatarItems(ctx, user, hash)
	if err != nil {
		return err
	}
	for _, p := range items {
		n, err := s.store.UpdateNode(ctx, user, p.node, p.items(), p.admit)
		if err != nil {
			return err
		}
		s.notify(ctx, user, n, itemsEvent(n, p.items()...))
	}
	return nil
}

// publishedAvatar is avatarMetadata of what is published.
func (s *Service) publishedAvatar(ctx context.Context, user string) (ids []string, none bool, err error) {
	page, err := s.store.Items(ctx, ItemQuery{User: user, Node: nodeAvatarMetadata, Max: 1, Last: true})
	if err != nil || len(page.Items) == 0 {
		return nil, true, err
	}
	return avatarMetadata(page.Items[0])
}

// isUnlinkedAvatar reports whether a published picture was never the profile's, since its data is not here, and
// the profile has no new one: what changed is something else, such as the name.
func (s *Service) isUnlinkedAvatar(ctx context.Context, user string, published []string, hash string) (bool, error) {
	photo, _, err := s.avatarData(ctx, user, published)
	if _, unusable := errors.AsType[*stanza.Error](err); unusable {
		err = nil
	}
	if err != nil || photo != nil || hash == "" {
		return photo == nil, err
	}
	before, err := s.store.Items(ctx, ItemQuery{User: user, Node: nodeAvatarData, IDs: []string{hash}, Max: 1, Last: true})
	return len(before.Items) > 0, err
}

// avatarItems are what to publish for the profile's picture: the data first.
func (s *Service) avatarItems(ctx context.Context, user, hash string) ([]publication, error) {
	if hash == "" {
		none := Item{ID: "none", Payload: []byte(`<metadata xmlns="` + nodeAvatarMetadata + `"/>`)}
		return []publication{{node: nodeAvatarMetadata, item: none, hasItem: true}}, nil
	}
	card, err := s.vcards.VCard(ctx, user)
	if err != nil || card.PhotoHash != hash {
		return nil, err // it changed again, and the next call is about that
	}
	return pictureItems(card), nil
}

// pictureItems are a card's picture as it is published: the data first (XEP-0084 §4.1).
func pictureItems(card xmppd.VCard) []publication {
	data := base64.StdEncoding.AppendEncode([]byte(`<data xmlns="`+nodeAvatarData+`">`), card.Photo)
	metadata := stanza.AppendAttr([]byte(`<metadata xmlns="`+nodeAvatarMetadata+`"><info`), "id", card.PhotoHash)
	metadata = stanza.AppendAttr(stanza.AppendAttr(metadata, "type", card.PhotoType), "bytes", strconv.Itoa(len(card.Photo)))
	return []publication{
		{node: nodeAvatarData, item: Item{ID: card.PhotoHash, Payload: append(data, "</data>"...)}, hasItem: true},
		{node: nodeAvatarMetadata, item: Item{ID: card.PhotoHash, Payload: append(metadata, "/></metadata>"...)}, hasItem: true},
	}
}

// Picture is what is published for the picture of a card that has one, as long as its
// owner has published none: that is done when somebody first asks for it. nodes[i] has
// items[i].
func Picture(card xmppd.VCard) (nodes []Node, items []Item) {
	for _, p := range pictureItems(card) {
		nodes, items = append(nodes, Node{Name: p.node, Config: defaultConfig(p.node)}), append(items, p.item)
	}
	return nodes, items
}

// ensureAvatarPublished publishes the profile's picture when somebody asks for it by XEP-0084
// for the first time.
func (s *Service) ensureAvatarPublished(ctx context.Context, user, node string) error {
	if node != nodeAvatarData && node != nodeAvatarMetadata {
		return nil
	}
	_, err := s.store.Node(ctx, user, nodeAvatarMetadata)
	if !errors.Is(err, xmppd.ErrNotFound) {
		return err
	}
	acc, err := s.accounts.Account(ctx, user)
	if err != nil || acc.AvatarHash == "" {
		return err
	}
	return s.publishAvatar(ctx, user, acc.AvatarHash)
}
