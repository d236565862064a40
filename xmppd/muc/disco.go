package muc

import (
	"context"
	"strconv"

	"foyer/internal/stream"
	"foyer/xmppd"
)

// Service discovery (XEP-0045 §6, S-76).

// Rooms in one answer; more are asked for with XEP-0059.
const itemsPage = 100

func (s *Service) info(query stream.Child) ([]byte, error) {
	name := stream.Escape(s.cfg.Name)
	return xmppd.DiscoInfo(query, `<identity category="conference" type="text" name="`+name+`"/>`,
		[]string{nsDiscoInfo, nsDiscoItems, nsMUC, nsMUC + "#stable_id", nsPing, nsRSM, nsOccupantID, nsHats})
}

// items lists the public rooms, page by page (§6.3).
func (s *Service) items(ctx context.Context, query stream.Child) ([]byte, error) {
	if node, ok := query.Attr("node"); ok && node != "" {
		return nil, xmppd.ErrItemNotFound
	}
	after, limit, err := s.itemsWanted(query)
	if err != nil {
		return nil, err
	}
	list, err := s.store.Public(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	dst := []byte(`<query xmlns="` + nsDiscoItems + `">`)
	for _, l := range list {
		dst = xmppd.AppendAttr(append(dst, "<item"...), "jid", l.Name+"@"+s.cfg.Domain)
		dst = append(xmppd.AppendAttr(dst, "name", l.Title), "/>"...)
	}
	dst = append(dst, `<set xmlns="`+nsRSM+`">`...)
	if n := len(list); n > 0 {
		dst = append(dst, `<first>`+stream.Escape(list[0].Name+"@"+s.cfg.Domain)+`</first>`...)
		dst = append(dst, `<last>`+stream.Escape(list[n-1].Name+"@"+s.cfg.Domain)+`</last>`...)
	}
	return append(dst, `</set></query>`...), nil
}

// itemsWanted reads the page that is asked for (XEP-0059 §2.1, §2.2).
func (s *Service) itemsWanted(query stream.Child) (after string, limit int, err error) {
	limit = itemsPage
	set, ok := query.Find(nsRSM, "set")
	if !ok {
		return "", limit, nil
	}
	if max, ok := set.Find(nsRSM, "max"); ok {
		n, err := strconv.Atoi(max.Text())
		if err != nil || n < 0 {
			return "", 0, xmppd.ErrBadRequest
		}
		limit = min(n, limit)
	}
	if last, ok := set.Find(nsRSM, "after"); ok {
		a, err := xmppd.ParseAddress(last.Text())
		if err != nil || a.Domain != s.cfg.Domain {
			return "", 0, xmppd.ErrItemNotFound
		}
		after = a.User
	}
	if _, ok := set.Find(nsRSM, "before"); ok {
		return "", 0, xmppd.ErrFeatureMissing
	}
	return after, limit, nil
}

// nodeReservedNick asks which nickname the room keeps for the asker (§7.12).
const nodeReservedNick = "x-roomuser-item"

// nodeTraffic asks what may be in messages: nothing is kept out (§18.1.1).
const nodeTraffic = nsMUC + "#traffic"

func handleRoomInfo(_ context.Context, r *room, c xmppd.Client, query stream.Child) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch node, _ := query.Attr("node"); node {
	case nodeReservedNick:
		return r.reservedNick(c.User()), nil
	case nodeTraffic:
		return nil, xmppd.ErrServiceUnavailable
	}
	title := r.settings.Title
	if title == "" {
		title = r.name
	}
	return xmppd.DiscoInfo(query, `<identity category="conference" type="text" name="`+stream.Escape(title)+`"/>`,
		r.features(), r.infoForm(c.User()))
}

func (r *room) reservedNick(user string) []byte {
	dst := []byte(`<query xmlns="` + nsDiscoInfo + `" node="` + nodeReservedNick + `">`)
	if nick := r.people[user].Nick; nick != "" {
		dst = xmppd.AppendAttr(append(dst, `<identity category="conference" type="text"`...), "name", nick)
		dst = append(dst, "/>"...)
	}
	return append(dst, `</query>`...)
}

// features are the room's, as it is configured (§6.4, §15.3).
func (r *room) features() []string {
	out := []string{
		nsDiscoInfo, nsDiscoItems, nsMUC, nsMUC + "#stable_id", nsMUC + "#self-ping-optimization", nsRequest,
		nsOccupantID, nsHats, nsRegister, nsPing,
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
		out = append(out, nsModerate)
		out = append(out, xmppd.ArchiveFeatures()...)
	}
	return out
}

// infoForm says more about the room (§6.4, §15.5.4). Converse takes the room's
// name and whether the subject may be changed from here. The subject is for those
// who may enter.
func (r *room) infoForm(user string) []byte {
	f := newForm("result", nsRoomInfo)
	f.text("muc#roominfo_description", "", r.settings.Description)
	if r.mayEnter(user) == nil && r.knowsPassword(user) {
		f.text("muc#roominfo_subject", "", r.subject.Text)
	}
	f.text("muc#roominfo_occupants", "", strconv.Itoa(len(r.occupants)))
	f.text("muc#roominfo_lang", "", r.settings.Lang)
	// The registered field, the one of §6.4's example, and the one that Converse reads.
	f.boolean("muc#roominfo_subjectmod", "", r.settings.ChangeSubject)
	f.boolean("muc#roomconfig_changesubject", "", r.settings.ChangeSubject)
	f.boolean("muc#roominfo_changesubject", "", r.settings.ChangeSubject)
	f.text("muc#roomconfig_roomname", "", r.settings.Title)
	return f.bytes()
}

// handleRoomItems: who is in a room is told to those who enter it (§6.5).
func handleRoomItems(context.Context, *room, xmppd.Client, stream.Child) ([]byte, error) {
	return []byte(`<query xmlns="` + nsDiscoItems + `"/>`), nil
}
