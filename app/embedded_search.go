package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/stanza"
	"foyer/models"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// How much the embedded server does for one search.
const (
	firstSearchRooms = 200 // those with the newest messages, and then four times as many
	searchTime       = 2 * time.Second
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
	if q.By != "" {
		a.By = models.Author{Account: q.By + "@" + e.domain, Name: q.ByName}
	}
	var rooms []models.SearchRoom
	if q.With == "" {
		if rooms, err = e.db.Conversations.SearchRooms(ctx, viewer, e.rooms.Domain(), e.rooms.Entered(viewer), q.Room); err != nil {
			return MessagesFound{}, err
		}
	}
	page, err := e.searchInRounds(ctx, a, q.By == viewer, rooms)
	found := MessagesFound{Next: page.Next, Late: page.Late}
	titles := make(map[string]string, len(rooms))
	for _, r := range rooms {
		titles[r.Name] = r.Title
	}
	for _, entry := range page.Entries {
		if _, domain, _ := strings.Cut(entry.With, "@"); domain == e.domain { // else it was said to an occupant of a room, in private
			found.Messages = append(found.Messages, e.foundMessage(me, entry, titles))
		}
	}
	return found, err
}

// searchInRounds searches the archives that a query names, and those of rooms, which come with the newest messages first.
// Most searches find their page in what was said last. So a round looks into few rooms, back to where any other has
// something, and the next one goes on from there into more. mine: the author who is looked for is who
// asks, and knows of themselves in every room.
func (e *embedded) searchInRounds(ctx context.Context, q models.ArchivesQuery, mine bool, rooms []models.SearchRoom) (all models.ArchivesPage, err error) {
	own := len(q.Owners)
	for n := firstSearchRooms; ; n *= 4 {
		last := n >= len(rooms)
		if q.After = uuid.Nil; !last {
			q.After = rooms[n].Newest
		}
		if from := following(q.After); !last && q.Before != uuid.Nil && bytes.Compare(q.Before[:], from[:]) <= 0 {
			continue // the page before this one ended in a later round
		}
		q.Owners, q.By.Masked = q.Owners[:own], nil
		for _, r := range rooms[:min(n, len(rooms))] {
			owner := r.Name + "@" + e.rooms.Domain()
			q.Owners = append(q.Owners, owner)
			if !r.ShowsWho && !mine {
				q.By.Masked = append(q.By.Masked, owner)
			}
		}
		page, err := e.db.Conversations.SearchArchives(ctx, q)
		all.Entries = append(all.Entries, page.Entries...)
		all.Next, all.Late = page.Next, page.Late
		if err != nil || last || page.Next != uuid.Nil {
			return all, err
		}
		q.Max -= len(page.Entries)
		if q.Before = following(q.After); q.Max == 0 {
			all.Next = q.Before
			return all, nil
		}
	}
}

// following is the id after an id, as ids are ordered.
func following(id uuid.UUID) uuid.UUID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
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
