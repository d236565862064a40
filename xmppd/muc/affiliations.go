package muc

import (
	"maps"
	"slices"

	"foyer/internal/names"
	"foyer/internal/stanza"
)

// affiliations is what accounts are in a room for good, and the nicknames that are kept
// for them (XEP-0045 §5.2, §7.10). Its room's lock guards it.
type affiliations struct {
	byUser map[string]Affiliated // by localpart
	nicks  map[string]string     // key of a reserved nickname → localpart
}

func newAffiliations() affiliations {
	return affiliations{byUser: make(map[string]Affiliated), nicks: make(map[string]string)}
}

// ofLocked returns an account's affiliation.
func (af *affiliations) ofLocked(user string) Affiliation {
	if a, ok := af.byUser[user]; ok {
		return a.Affiliation
	}
	return None
}

// setLocked notes an account's affiliation and reserved nickname.
func (af *affiliations) setLocked(a Affiliated) {
	if old, ok := af.byUser[a.User]; ok && old.Nick != "" {
		if key := nickKey(old.Nick); af.nicks[key] == a.User {
			delete(af.nicks, key)
		}
	}
	if a.Affiliation == None && a.Nick == "" {
		delete(af.byUser, a.User)
		return
	}
	af.byUser[a.User] = a
	if key := nickKey(a.Nick); key != "" {
		af.nicks[key] = a.User
	}
}

// reservedForOtherLocked reports whether a nickname belongs to somebody else.
func (af *affiliations) reservedForOtherLocked(key, user string) bool {
	owner, ok := af.nicks[key]
	return ok && owner != user
}

// reserveNick takes a nickname that is reserved along with a membership (§9.3), or that is
// reserved no more (§9.5).
func reserveNick(e *Affiliated, ch change) error {
	if ch.affiliation == None || ch.affiliation == Outcast {
		e.Nick = ""
		return nil
	}
	switch {
	case ch.newNick == nil:
		return nil
	case *ch.newNick == "":
		e.Nick = ""
		return nil
	}
	nick, _, err := prepareNick(*ch.newNick)
	if err != nil {
		return err
	}
	e.Nick = nick
	return nil
}

// reservedTwiceLocked reports whether a nickname that is new to an account would be another's as well
// after the changes, of which an account's last one counts.
func (af *affiliations) reservedTwiceLocked(changes []Affiliated) bool {
	after := make(map[string]string, len(changes)) // localpart → key of the nickname
	for _, e := range changes {
		after[e.User] = nickKey(e.Nick)
	}
	for user, key := range after {
		if key == "" || key == nickKey(af.byUser[user].Nick) {
			continue
		}
		if owner, ok := af.nicks[key]; ok && owner != user {
			if _, named := after[owner]; !named {
				return true
			}
		}
		for other, same := range after {
			if other != user && same == key {
				return true
			}
		}
	}
	return false
}

// nickKey is what a nickname is compared by; empty: it is none.
func nickKey(nick string) string {
	if nick == "" {
		return ""
	}
	key, err := names.Key(nick)
	if err != nil {
		return ""
	}
	return key
}

// ownedLocked reports whether somebody owns the room.
func (af *affiliations) ownedLocked() bool {
	for _, a := range af.byUser {
		if a.Affiliation == Owner {
			return true
		}
	}
	return false
}

// ownedAfterLocked reports whether somebody still owns the room after the changes.
func (af *affiliations) ownedAfterLocked(changes map[string]Affiliation) bool {
	all := make(map[string]Affiliation, len(af.byUser))
	for user, a := range af.byUser {
		all[user] = a.Affiliation
	}
	maps.Copy(all, changes)
	for _, a := range all {
		if a == Owner {
			return true
		}
	}
	return false
}

// lenAfterLocked returns how many accounts are kept after the changes, at most.
func (af *affiliations) lenAfterLocked(changes []Affiliated) int {
	n := len(af.byUser)
	for _, e := range changes {
		if _, known := af.byUser[e.User]; !known {
			n++
		}
	}
	return n
}

// appendListLocked appends the items of the accounts at domain that have an affiliation (§9.5, §10.5).
func (af *affiliations) appendListLocked(dst []byte, a Affiliation, domain string) []byte {
	for _, user := range slices.Sorted(maps.Keys(af.byUser)) {
		e := af.byUser[user]
		if e.Affiliation != a {
			continue
		}
		dst = stanza.AppendAttr(append(dst, "<item"...), "affiliation", string(a))
		dst = stanza.AppendAttr(dst, "jid", user+"@"+domain)
		full := len(dst) >= fullList
		if !full {
			dst = stanza.AppendAttr(dst, "nick", e.Nick)
		}
		if e.Reason == "" || full {
			dst = append(dst, "/>"...)
			continue
		}
		dst = append(append(append(dst, '>'), itemReason("", e.Reason)...), "</item>"...)
	}
	return dst
}
