package muc

import (
	"context"
	"strconv"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"
)

// Service discovery (XEP-0045 §6, S-76).

// Rooms in one answer; more are asked for with XEP-0059.
const itemsPage = 100

func (s *Service) info(query stream.Child) ([]byte, error) {
	return stanza.Info{
		Identities: []stanza.Identity{{Category: "conference", Type: "text", Name: s.cfg.Name}},
		Features:   []string{stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSMUC, stanza.NSMUC + "#stable_id", stanza.NSPing, stanza.NSRSM, stanza.NSOccupantID, nsHats, nsRAI},
	}.Answer(query)
}

// items lists the public rooms, page by page (§6.3).
func (s *Service) items(ctx context.Context, query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, stanza.ErrItemNotFound
	}
	after, limit, err := s.itemsWanted(query)
	if err != nil {
		return nil, err
	}
	list, err := s.store.Public(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	items := make([]stanza.Item, len(list))
	for i, l := range list {
		items[i] = stanza.Item{JID: l.Name + "@" + s.cfg.Domain, Name: l.Title}
	}
	first, last := "", ""
	if n := len(items); n > 0 {
		first, last = items[0].JID, items[n-1].JID
	}
	return stanza.ItemsPayload("", items, stanza.AppendResultSet(nil, first, last, 0, -1)), nil
}

// itemsWanted reads the page that is asked for (XEP-0059 §2.1, §2.2).
func (s *Service) itemsWanted(query stream.Child) (after string, limit int, err error) {
	set, err := stanza.ParseResultSet(query)
	switch {
	case err != nil:
		return "", 0, err
	case set.Last:
		return "", 0, stanza.ErrFeatureNotImplemented
	}
	limit = itemsPage
	if set.Max >= 0 {
		limit = min(set.Max, limit)
	}
	if set.After != "" {
		a, err := stanza.ParseAddress(set.After)
		if err != nil || a.Domain != s.cfg.Domain {
			return "", 0, stanza.ErrItemNotFound
		}
		after = a.User
	}
	return after, limit, nil
}

// nodeReservedNick asks which nickname the room keeps for the asker (§7.12).
const nodeReservedNick = "x-roomuser-item"

// nodeTraffic asks what may be in messages: nothing is kept out (§18.1.1).
const nodeTraffic = stanza.NSMUC + "#traffic"

func handleRoomInfo(_ context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch node, _ := query.Attr("node"); node {
	case nodeReservedNick:
		return r.reservedNickLocked(c.User()), nil
	case nodeTraffic:
		return nil, stanza.ErrServiceUnavailable
	}
	title := r.settings.Title
	if title == "" {
		title = r.name
	}
	return stanza.Info{
		Identities: []stanza.Identity{{Category: "conference", Type: "text", Name: title}},
		Features:   r.featuresLocked(),
		Forms:      [][]byte{r.infoFormLocked(c.User())},
	}.Answer(query)
}

func (r *room) reservedNickLocked(user string) []byte {
	info := stanza.Info{Node: nodeReservedNick}
	if nick := r.affiliations.byUser[user].Nick; nick != "" {
		info.Identities = []stanza.Identity{{Category: "conference", Type: "text", Name: nick}}
	}
	return info.Payload()
}

// featuresLocked are the room's, as it is configured (§6.4, §15.3).
func (r *room) featuresLocked() []string {
	out := []string{
		stanza.NSDiscoInfo, stanza.NSDiscoItems, stanza.NSMUC, stanza.NSMUC + "#stable_id", stanza.NSMUC + "#self-ping-optimization", nsRequest,
		stanza.NSOccupantID, nsHats, nsRegister, stanza.NSPing,
	}
	either := func(is bool, yes, no string) {
		if is {
			out = append(out, yes)
		} else {
			out = append(out, no)
		}
	}
	s := r.settings
	either(s.Public, "muc_public", "muc_hidden")
	either(s.Persistent, "muc_persistent", "muc_temporary")
	either(s.MembersOnly, "muc_membersonly", "muc_open")
	either(s.Moderated, "muc_moderated", "muc_unmoderated")
	either(s.NonAnonymous, "muc_nonanonymous", "muc_semianonymous")
	either(s.Password != "", "muc_passwordprotected", "muc_unsecured")
	if s.Archive {
		out = append(out, stanza.NSModerate, nodePinned)
		out = append(out, archive.Features()...)
	}
	return out
}

// infoFormLocked says more about the room (§6.4, §15.5.4). Converse takes the room's
// name and whether the subject may be changed from here. The subject is for those
// who may enter.
func (r *room) infoFormLocked(user string) []byte {
	f := stanza.NewForm("result", nsRoomInfo)
	f.Text("muc#roominfo_description", "", r.settings.Description)
	if r.mayEnterLocked(user) == nil && r.knowsPasswordLocked(user) {
		f.Text("muc#roominfo_subject", "", r.subject.Text)
	}
	f.Text("muc#roominfo_occupants", "", strconv.Itoa(len(r.occupants.byNick)))
	f.Text("muc#roominfo_lang", "", r.settings.Lang)
	// The registered field, the one of §6.4's example, and the one that Converse reads.
	f.Bool("muc#roominfo_subjectmod", "", r.settings.ChangeSubject)
	f.Bool("muc#roomconfig_changesubject", "", r.settings.ChangeSubject)
	f.Bool("muc#roominfo_changesubject", "", r.settings.ChangeSubject)
	f.Text("muc#roomconfig_roomname", "", r.settings.Title)
	return f.Payload()
}

// handleRoomItems: who is in a room is told to those who enter it (§6.5).
func handleRoomItems(context.Context, *room, xmppd.Client, stream.Child) ([]byte, error) {
	return stanza.ItemsPayload("", nil), nil
}
