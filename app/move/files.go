package move

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/models"
	"foyer/xmppd"
	"foyer/xmppd/muc"
)

// Files as XEP-0227 has them, without archives: server-data.xml, which includes a file with
// all people of the domain (§4), as ejabberd and others read it; a file for each person, as
// Prosody's mod_storage_xep0227 reads them; and the rooms, which XEP-0227 does not
// describe, in the words of XEP-0045.

const (
	nsServerData = "urn:xmpp:pie:0"
	nsXInclude   = "http://www.w3.org/2001/XInclude"
	xmlHead      = "<?xml version='1.0' encoding='UTF-8'?>\n"
)

// Files writes into a directory, which is made if it is not there. The people and rooms in it
// are for the operator alone: who talks with whom, the passwords of rooms. each writes the
// file for each person, too, into the directory people, and removes those of people who left.
func Files(ctx context.Context, src Source, dir string, each bool, o Options) (*Report, error) {
	r := &Report{}
	if err := os.MkdirAll(filepath.Join(dir, "people"), 0o700); err != nil {
		return r, err
	}
	main := xmlHead + `<server-data xmlns="` + nsServerData + `" xmlns:xi="` + nsXInclude + `"><xi:include href="` + stream.Escape(o.Domain) + `.xml"/></server-data>` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "server-data.xml"), []byte(main), 0o600); err != nil {
		return r, err
	}
	there := make(map[string]bool)
	err := writeFile(filepath.Join(dir, o.Domain+".xml"), func(w *bufio.Writer) error {
		_, _ = w.WriteString(xmlHead + `<host xmlns="` + nsServerData + `" jid="` + stream.Escape(o.Domain) + `">` + "\n") // errors stay until Flush
		err := eachPerson(ctx, src, func(page []*models.AccountData) error {
			for _, b := range page {
				there[personFile(b.User, o.Domain)] = true
			}
			return writePeople(w, page, dir, each, o, r)
		})
		_, _ = w.WriteString("</host>\n")
		return err
	})
	if err == nil && each {
		err = removeOthers(filepath.Join(dir, "people"), o.Domain, there)
	}
	if err != nil {
		return r, err
	}
	return r, writeFile(filepath.Join(dir, "rooms.xml"), func(w *bufio.Writer) error { return writeRooms(ctx, src, w, o, r) })
}

func personFile(user, domain string) string { return user + "@" + domain + ".xml" }

// removeOthers removes the files of people of the domain who are not there any more.
func removeOthers(dir, domain string, there map[string]bool) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !there[e.Name()] && e.Type().IsRegular() && strings.HasSuffix(e.Name(), personFile("", domain)) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// writeFile writes a file that is there as a whole or not at all.
func writeFile(name string, write func(*bufio.Writer) error) error {
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 256<<10)
	if err := errors.Join(write(w), w.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name+".part"))
	}
	return os.Rename(name+".part", name)
}

func writePeople(w *bufio.Writer, page []*models.AccountData, dir string, each bool, o Options, r *Report) error {
	for _, b := range page {
		person := appendPerson(nil, b, o.Domain, r)
		if _, err := w.Write(append(person, '\n')); err != nil {
			return err
		}
		r.People++
		if !each {
			continue
		}
		file := []byte(xmlHead + `<server-data xmlns="` + nsServerData + `"><host jid="` + stream.Escape(o.Domain) + `">`)
		file = append(append(file, person...), "</host></server-data>\n"...)
		if err := os.WriteFile(filepath.Join(dir, "people", personFile(b.User, o.Domain)), file, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// appendPerson appends a <user/>, without a password (XEP-0227 §3.1): the site has hashes
// of another kind (argon2id), from which no server can make its own.
func appendPerson(dst []byte, b *models.AccountData, domain string, r *Report) []byte {
	dst = append(stanza.AppendAttr(append(dst, "<user"...), "name", b.User), '>')
	dst = append(dst, b.Card.Payload()...)
	dst = appendRoster(dst, b, r)
	dst = appendOffline(dst, b, domain, r)
	if len(b.Private) > 0 {
		dst = append(dst, `<query xmlns="`+stanza.NSPrivate+`">`...)
		for _, x := range b.Private {
			dst = append(dst, x.Raw...)
		}
		dst = append(dst, "</query>"...)
	}
	dst = appendBlocks(dst, b.Blocked)
	dst = appendNodes(dst, b, domain)
	return append(dst, "</user>"...)
}

// appendRoster: those who ask to be a contact stand beside the roster (§3.6).
func appendRoster(dst []byte, b *models.AccountData, r *Report) []byte {
	dst = append(dst, `<query xmlns="`+stanza.NSRoster+`">`...)
	for _, c := range b.Contacts {
		if !c.Listed && c.Subscription == xmppd.SubscriptionNone && !c.Ask && !c.Approved {
			continue
		}
		dst = stanza.AppendAttr(append(dst, "<item"...), "jid", c.JID)
		dst = stanza.AppendAttr(stanza.AppendAttr(dst, "name", c.Name), "subscription", string(c.Subscription))
		if c.Ask {
			dst = stanza.AppendAttr(dst, "ask", "subscribe")
		}
		if c.Approved {
			dst = stanza.AppendAttr(dst, "approved", "true")
		}
		dst = append(dst, '>')
		for _, g := range c.Groups {
			dst = append(stream.AppendEscaped(append(dst, "<group>"...), g), "</group>"...)
		}
		dst = append(dst, "</item>"...)
	}
	dst = append(dst, "</query>"...)
	for _, c := range b.Contacts {
		if c.Request == nil {
			continue
		}
		if !storable(c.Request) {
			r.leave("damaged requests to be a contact", b.User)
			continue
		}
		dst = append(dst, c.Request...)
	}
	return dst
}

// appendOffline: each message says when it was sent (§3.4).
func appendOffline(dst []byte, b *models.AccountData, domain string, r *Report) []byte {
	if len(b.Offline) == 0 {
		return dst
	}
	dst = append(dst, "<offline-messages>"...)
	for _, m := range b.Offline {
		el, err := stream.Parse(m.Stanza, stream.Limits{Bytes: len(m.Stanza)})
		if err != nil {
			r.leave("damaged messages that wait for somebody", b.User)
			continue
		}
		dst = append(dst, el.Edit().Append(stanza.Delay(domain, m.Stamp)).Bytes()...)
	}
	return append(dst, "</offline-messages>"...)
}

// appendBlocks: who is blocked is a privacy list that is in force (§3.7).
func appendBlocks(dst []byte, blocked []string) []byte {
	if len(blocked) == 0 {
		return dst
	}
	dst = append(dst, `<query xmlns="jabber:iq:privacy"><default name="`+blockList+`"/><list name="`+blockList+`">`...)
	for _, jid := range blocked {
		dst = append(stanza.AppendAttr(append(dst, `<item type="jid"`...), "value", jid), ` action="deny" order="0"/>`...)
	}
	return append(dst, "</list></query>"...)
}

// appendNodes: items, and then how nodes are configured (§3.9).
func appendNodes(dst []byte, b *models.AccountData, domain string) []byte {
	if len(b.Nodes) == 0 {
		return dst
	}
	dst = append(dst, `<pubsub xmlns="`+stanza.NSPubsub+`">`...)
	for _, n := range b.Nodes {
		dst = append(stanza.AppendAttr(append(dst, "<items"...), "node", n.Name), '>')
		for _, it := range n.Items {
			dst = append(stanza.AppendAttr(append(dst, "<item"...), "id", it.ID), '>')
			dst = append(append(dst, it.Payload...), "</item>"...)
		}
		dst = append(dst, "</items>"...)
	}
	dst = append(dst, `</pubsub><pubsub xmlns="`+stanza.NSPubsub+`#owner">`...)
	for _, n := range b.Nodes {
		dst = append(stanza.AppendAttr(append(dst, "<configure"...), "node", n.Name), '>')
		dst = append(append(dst, n.Config.Submission()...), "</configure>"...)
		dst = append(stanza.AppendAttr(append(dst, "<affiliations"...), "node", n.Name), '>')
		dst = appendAffiliation(dst, b.User+"@"+domain, "owner")
		for _, jid := range n.Config.Members {
			dst = appendAffiliation(dst, jid, "member")
		}
		dst = append(dst, "</affiliations>"...)
	}
	return append(dst, "</pubsub>"...)
}

func appendAffiliation(dst []byte, jid, affiliation string) []byte {
	return append(stanza.AppendAttr(stanza.AppendAttr(append(dst, "<affiliation"...), "jid", jid), "affiliation", affiliation), "/>"...)
}

// writeRooms writes what an owner could read of each room (XEP-0045 §9, §10).
func writeRooms(ctx context.Context, src Source, w *bufio.Writer, o Options, r *Report) error {
	_, _ = w.WriteString(xmlHead + `<host xmlns="` + nsServerData + `" jid="` + stream.Escape(o.Rooms) + `">` + "\n") // errors stay until Flush
	err := eachRoom(ctx, src, r, func(page []*models.RoomRecord) error {
		for _, room := range page {
			if _, err := w.Write(append(appendRoom(nil, room, o), '\n')); err != nil {
				return err
			}
			r.Rooms++
		}
		return nil
	})
	_, _ = w.WriteString("</host>\n")
	return err
}

func appendRoom(dst []byte, room *models.RoomRecord, o Options) []byte {
	dst = append(stanza.AppendAttr(append(dst, "<room"...), "name", room.Name), `><query xmlns="`+stanza.NSMUC+`#owner">`...)
	dst = append(append(dst, roomForm(room.Settings)...), `</query><query xmlns="`+stanza.NSMUC+`#admin">`...)
	for _, a := range room.People {
		dst = stanza.AppendAttr(append(dst, "<item"...), "jid", a.User+"@"+o.Domain)
		dst = stanza.AppendAttr(dst, "affiliation", string(a.Affiliation))
		dst = append(stanza.AppendAttr(dst, "nick", a.Nick), '>')
		if a.Reason != "" {
			dst = append(stream.AppendEscaped(append(dst, "<reason>"...), a.Reason), "</reason>"...)
		}
		dst = append(dst, "</item>"...)
	}
	dst = append(dst, "</query>"...)
	if !room.Subject.At.IsZero() {
		from := room.Name + "@" + o.Rooms + "/" + room.Subject.Nick
		dst = append(stanza.AppendAttr(append(dst, `<message xmlns="jabber:client" type="groupchat"`...), "from", from), "><subject>"...)
		dst = append(append(stream.AppendEscaped(dst, room.Subject.Text), "</subject>"...), stanza.Delay(o.Rooms, room.Subject.At)...)
		dst = append(dst, "</message>"...)
	}
	return append(dst, "</room>"...)
}

// roomForm is a room's settings as its owner would send them (XEP-0045 §10.2).
func roomForm(s muc.Settings) []byte {
	const field = "muc#roomconfig_"
	form := stanza.NewForm("submit", stanza.NSMUC+"#roomconfig")
	form.Text(field+"roomname", "", s.Title)
	form.Text(field+"roomdesc", "", s.Description)
	form.Text(field+"lang", "", s.Lang)
	form.Text(field+"roomsecret", "", s.Password)
	whois := "moderators"
	if s.NonAnonymous {
		whois = "anyone"
	}
	form.Text(field+"whois", "", whois)
	form.Text(field+"allowpm", "", string(s.Private))
	form.Bool(field+"passwordprotectedroom", "", s.Password != "")
	form.Bool(field+"persistentroom", "", s.Persistent)
	form.Bool(field+"publicroom", "", s.Public)
	form.Bool(field+"membersonly", "", s.MembersOnly)
	form.Bool(field+"moderatedroom", "", s.Moderated)
	form.Bool(field+"changesubject", "", s.ChangeSubject)
	form.Bool(field+"allowinvites", "", s.Invites)
	form.Bool(field+"enablearchiving", "", s.Archive)
	form.Text(field+"maxusers", "", strconv.Itoa(s.MaxOccupants))
	return form.Payload()
}
