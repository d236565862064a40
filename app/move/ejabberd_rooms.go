package move

import (
	"context"
	"strconv"
	"time"

	"foyer/models"
	"foyer/xmppd/muc"
)

// Rooms as ejabberd's mod_muc_sql keeps them: all that there is to say of a room is one
// term (mod_muc_room:make_opts).

// neverSlept is the time of a room that is not put away (mod_muc_sql:store_room).
var neverSlept = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)

func (e *ejabberd) rooms(ctx context.Context, b *batch, page []*models.RoomRecord) error {
	t := &table{name: "muc_room", keys: []string{"name", "host"}, values: []string{"opts", "created_at"}}
	owned := e.has("muc_room", "server_host")
	if owned {
		t.values = append(t.values, "server_host")
	}
	var rows [][]any
	for _, r := range page {
		row := []any{r.Name, e.o.Rooms, e.roomTerm(r), neverSlept}
		if owned {
			row = append(row, e.o.Domain)
		}
		rows = append(rows, row)
	}
	return b.merge(ctx, t, rows, scope{})
}

func (e *ejabberd) roomTerm(r *models.RoomRecord) string {
	s := r.Settings
	options := []struct{ name, term string }{
		{"title", erlBinary(s.Title)}, {"description", erlBinary(s.Description)},
		{"allow_change_subj", erlBool(s.ChangeSubject)}, {"allow_query_users", "true"},
		{"allow_private_messages", erlBool(s.Private == muc.Anyone || s.Private == muc.Participants)}, // before 24.02
		{"allowpm", string(s.Private)}, // since
		{"allow_private_messages_from_visitors", visitorsPM(s.Private)},
		{"allow_visitor_status", "true"}, {"allow_visitor_nickchange", "true"},
		{"public", erlBool(s.Public)}, {"public_list", "true"}, {"persistent", "true"},
		{"moderated", erlBool(s.Moderated)}, {"members_by_default", erlBool(!s.Moderated)},
		{"members_only", erlBool(s.MembersOnly)}, {"allow_user_invites", erlBool(s.Invites)},
		{"password_protected", erlBool(s.Password != "")}, {"password", erlBinary(s.Password)},
		{"anonymous", erlBool(!s.NonAnonymous)}, {"max_users", strconv.Itoa(s.MaxOccupants)},
		{"mam", erlBool(s.Archive)}, {"captcha_whitelist", "[]"}, {"roles", "[]"}, {"hats_users", "[]"},
		{"affiliations", e.affiliations(r)},
		{"subject", erlBinary(r.Subject.Text)}, {"subject_author", erlBinary(r.Subject.Nick)},
		{"hibernation_time", "undefined"},
	}
	if s.Lang != "" {
		options = append(options, struct{ name, term string }{"lang", erlBinary(s.Lang)})
	}
	terms := make([]string, len(options))
	for i, o := range options {
		terms[i] = "{" + o.name + "," + o.term + "}"
	}
	if s.Private == muc.Moderators {
		e.report.leave("rooms where moderators alone write private messages: ejabberd before 24.02 lets nobody", r.Name)
	}
	return erlList(terms)
}

func visitorsPM(a muc.Audience) string {
	if a == muc.Anyone {
		return "anyone"
	}
	return "nobody"
}

// affiliations: a reason stands beside the affiliation. ejabberd has nicknames for all
// rooms together, so that those of one room are not taken.
func (e *ejabberd) affiliations(r *models.RoomRecord) string {
	var terms []string
	for _, a := range affiliated(r) {
		affiliation := string(a.Affiliation)
		if a.Reason != "" {
			affiliation = "{" + affiliation + "," + erlBinary(a.Reason) + "}"
		}
		terms = append(terms, "{{"+erlBinary(a.User)+","+erlBinary(e.o.Domain)+",<<>>},"+affiliation+"}")
	}
	for _, a := range r.People {
		if a.Nick != "" {
			e.report.leave("nicknames reserved in one room, which ejabberd does not know", r.Name)
		}
	}
	return erlList(terms)
}
