package muc

import (
	"context"
	"slices"
	"time"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
	"foyer/xmppd/archive"

	"github.com/google/uuid"
)

// History on entering, for clients that do not ask the archive (XEP-0045
// §7.2.13, S-82).

// How much history a client gets that does not ask for a certain amount, and the
// maxima.
const (
	defaultHistory = 20
	maxHistory     = 50
	maxHeld        = 1000 // stanzas that wait for the history
	maxSeconds     = 100 * 365 * 24 * 3600
)

// historyRequest is how much somebody wants to see; the smallest bound counts.
type historyRequest struct {
	stanzas int
	chars   int // of all the stanzas together; -1: any
	since   time.Time
	blocks  xmppd.Blocked // of whose addresses there is none in it
}

func (h historyRequest) wanted() bool { return h.stanzas > 0 && h.chars != 0 }

func parseHistory(x stream.Child) (historyRequest, error) {
	h := historyRequest{stanzas: defaultHistory, chars: -1}
	el, ok := x.Find(stanza.NSMUC, "history")
	if !ok {
		return h, nil
	}
	stanzas, seconds := maxHistory, -1
	for _, bound := range []struct {
		name  string
		value *int
	}{{"maxstanzas", &stanzas}, {"maxchars", &h.chars}, {"seconds", &seconds}} {
		text, ok := el.Attr(bound.name)
		if !ok {
			continue
		}
		n, err := stanza.ParseNumber(text, 63)
		if err != nil {
			return h, stanza.ErrBadRequest
		}
		*bound.value = int(n)
	}
	h.stanzas = min(stanzas, maxHistory)
	if seconds == 0 {
		h.stanzas = 0
	} else if seconds > 0 {
		h.since = time.Now().Add(-time.Duration(min(seconds, maxSeconds)) * time.Second)
	}
	if text, ok := el.Attr("since"); ok {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return h, stanza.ErrBadRequest
		}
		if t.After(h.since) {
			h.since = t
		}
	}
	return h, nil
}

// giveHistory sends what was said before the client came: nothing after cut,
// which is delivered as it happens.
func (ra *roomArchive) giveHistory(ctx context.Context, m *member, h historyRequest, cut uuid.UUID) {
	read, cancel := context.WithTimeout(context.WithoutCancel(ctx), ra.timeout) // the client may have taken its time
	defer cancel()
	page, err := ra.archive.Page(read, archive.Query{Owner: ra.owner, Start: h.since, Last: true, Max: maxHistory})
	if err != nil {
		ra.log.Error("somebody entered without the history", "room", ra.owner, "err", err)
		return
	}
	var stanzas [][]byte
	size := 0
	for _, e := range slices.Backward(page.Entries) {
		if slices.Compare(e.ID[:], cut[:]) > 0 {
			continue
		}
		raw := ra.historic(e, m, h.blocks)
		if raw == nil {
			continue
		}
		if size += len(raw); len(stanzas) == h.stanzas || (h.chars >= 0 && size > h.chars) {
			break
		}
		stanzas = append(stanzas, raw)
	}
	for _, raw := range slices.Backward(stanzas) {
		_ = m.client.Ready(ctx)
		m.client.Deliver(raw)
	}
}

// historic is an archived message as history: with its time, in the room's name
// (§7.2.14). What has no body, such as a change of subject, is no history.
func (ra *roomArchive) historic(e archive.Entry, m *member, blocks xmppd.Blocked) []byte {
	el, err := stream.Parse(e.Stanza, stream.Limits{Bytes: len(e.Stanza)})
	if err != nil {
		ra.log.Error("an archived message is damaged", "room", ra.owner, "id", e.ID, "err", err)
		return nil
	}
	if _, ok := el.Find(stream.NSClient, "body"); !ok {
		return nil
	}
	if from, err := stanza.ParseAddress(el.From); err == nil && e.With != m.client.Bare() && blocks.Has(from) {
		return nil
	}
	return el.Edit().Set("to", m.client.JID()).Append(stanza.Delay(ra.owner, e.Time()), ra.stanzaID(e.ID)).Bytes()
}
