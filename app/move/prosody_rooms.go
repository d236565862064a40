package move

import (
	"context"

	"foyer/models"
	"foyer/xmppd/muc"
)

// Rooms as Prosody's mod_muc keeps them: one list of all ("persistent", of nobody), and for
// each "config", in the form that all releases read.

// prosodyRoom is a room's settings and subject.
type prosodyRoom struct {
	Name          string `json:"name,omitempty"`
	Description   string `json:"description,omitempty"`
	Language      string `json:"language,omitempty"`
	Password      string `json:"password,omitempty"`
	Persistent    bool   `json:"persistent"`
	Hidden        bool   `json:"hidden"`
	MembersOnly   bool   `json:"members_only"`
	MemberInvites bool   `json:"allow_member_invites"`
	Moderated     bool   `json:"moderated"`
	Whois         string `json:"whois"`
	ChangeSubject bool   `json:"changesubject"`
	Archiving     bool   `json:"archiving"`
	AllowPM       string `json:"allow_pm"` // since 13
	Subject       string `json:"subject,omitempty"`
	SubjectFrom   string `json:"subject_from,omitempty"`
	SubjectTime   int64  `json:"subject_time,omitempty"`
}

func (p *prosody) rooms(ctx context.Context, b *batch, page []*models.RoomRecord) error {
	rows := &prosodyRows{host: p.Rooms}
	names := make([]string, len(page))
	for i, r := range page {
		names[i] = r.Name
		jid := r.Name + "@" + p.Rooms
		rows.bool("", "persistent", jid, true)
		rows.add(r.Name, "config", "jid", "string", jid)
		rows.json(r.Name, "config", "_data", prosodySettings(r, jid))
		p.affiliations(rows, r)
	}
	if rows.err != nil {
		return rows.err
	}
	return b.merge(ctx, p.values, rows.values, scope{`"host" = $1 AND "user" = ANY ($2) AND "store" = 'config'`, []any{p.Rooms, names}})
}

func prosodySettings(r *models.RoomRecord, jid string) prosodyRoom {
	s := r.Settings
	kept := prosodyRoom{
		Name: s.Title, Description: s.Description, Language: s.Lang, Password: s.Password, Persistent: true, Hidden: !s.Public,
		MembersOnly: s.MembersOnly, MemberInvites: s.Invites, Moderated: s.Moderated, Whois: "moderators",
		ChangeSubject: s.ChangeSubject, Archiving: s.Archive, AllowPM: prosodyPM(s.Private),
	}
	if s.NonAnonymous {
		kept.Whois = "anyone"
	}
	if !r.Subject.At.IsZero() {
		kept.Subject, kept.SubjectTime, kept.SubjectFrom = r.Subject.Text, r.Subject.At.Unix(), jid
		if r.Subject.Nick != "" {
			kept.SubjectFrom += "/" + r.Subject.Nick
		}
	}
	return kept
}

// prosodyPM is the lowest role that may write to one occupant.
func prosodyPM(a muc.Audience) string {
	switch a {
	case muc.Anyone:
		return "visitor"
	case muc.Participants:
		return "participant"
	case muc.Moderators:
		return "moderator"
	}
	return "none"
}

// affiliations: a reserved nickname comes with an affiliation.
func (p *prosody) affiliations(rows *prosodyRows, r *models.RoomRecord) {
	people, more := map[string]muc.Affiliation{}, map[string]map[string]string{}
	for _, a := range r.People {
		jid := a.User + "@" + p.Domain
		if a.Affiliation == muc.None {
			p.report.leave("reserved nicknames of people who belong to the room no further", r.Name)
			continue
		}
		people[jid] = a.Affiliation
		if a.Nick != "" {
			more[jid] = map[string]string{"reserved_nickname": a.Nick}
		}
	}
	rows.json(r.Name, "config", "_affiliations", people)
	rows.json(r.Name, "config", "_affiliation_data", more)
	if r.Settings.Private != muc.Anyone {
		p.report.leave("rooms that bound private messages, which Prosody 0.12 does not", r.Name)
	}
}
