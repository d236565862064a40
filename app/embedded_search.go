package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/models"
	"foyer/xmppd/archive"
)

// How much the embedded server does for one search.
const (
	maxSearchRooms = 200 // those with the newest messages
	searchTime     = 2 * time.Second
)

// SearchMessages implements Chat. Only archives that the viewer may read are looked
// into: their own, and those of rooms that they belong to or have entered, and may enter
// now.
func (e *embedded) SearchMessages(ctx context.Context, viewer string, q MessageSearch) (MessagesFound, error) {
	me := viewer + "@" + e.domain
	release, err := e.Archive().SearchTurn(ctx, me)
	var busy *stanza.Error
	if errors.As(err, &busy) {
		return MessagesFound{}, ErrSearchBusy
	}
	if err != nil {
		return MessagesFound{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	a := models.ArchivesQuery{Text: q.Text, Typing: true, Files: q.Files, Start: q.From, End: q.To, Before: q.Before, Max: q.Max}
	if q.Room == "" {
		a.Owners = []string{me}
	}
	if q.With != "" {
		a.With = q.With + "@" + e.domain
	}
	var found MessagesFound
	titles := make(map[string]string)
	if q.With == "" {
		rooms, err := e.db.Conversations.SearchRooms(ctx, viewer, e.rooms.Domain(), e.rooms.Entered(viewer), q.Room)
		if err != nil {
			return found, err
		}
		found.LeftOut = max(0, len(rooms)-maxSearchRooms)
		for _, r := range rooms[:len(rooms)-found.LeftOut] {
			a.Owners = append(a.Owners, r.Name+"@"+e.rooms.Domain())
			titles[r.Name] = r.Title
		}
	}
	page, err := e.db.Conversations.SearchArchives(ctx, a)
	found.Next, found.Late = page.Next, page.Late
	for _, entry := range page.Entries {
		if _, domain, _ := strings.Cut(entry.With, "@"); domain == e.domain { // else it was said to an occupant of a room, in private
			found.Messages = append(found.Messages, e.foundMessage(me, entry, titles))
		}
	}
	return found, err
}

func (e *embedded) foundMessage(me string, entry archive.Entry, titles map[string]string) FoundMessage {
	m := FoundMessage{ID: entry.ID, Text: entry.Body, Stanza: entry.Stanza}
	if entry.Owner == me {
		m.With, _, _ = strings.Cut(entry.With, "@")
		m.Mine = entry.Outgoing || entry.With == me
		return m
	}
	m.With, _, _ = strings.Cut(entry.Owner, "@")
	m.Room, m.Title, m.By, m.Mine = true, titles[m.With], entry.Resource, entry.With == me
	return m
}
