package auth

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"foyer/internal/names"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"mellium.im/xmpp/jid"
)

// isReserved reports whether a name would pass for the site itself.
func isReserved(name string) bool {
	switch name {
	case "admin", "administrator", "root", "postmaster", "hostmaster", "webmaster", "abuse", "security", "support",
		"help", "info", "contact", "system", "staff", "moderator", "mod", "operator", "owner", "official", "team",
		"service", "daemon", "nobody", "guest", "anonymous", "everyone", "all", "here", "conference", "upload",
		"pubsub", "proxy", "foyer", "bot", "me", "null", "undefined", "noreply", "no-reply", "mailer-daemon", "api", "www":
		return true
	}
	return false
}

// MaxUsername is the maximum length of a user name, in characters.
const MaxUsername = 32

// PrepareUsername turns a user name as typed into the local part of an address
// (RFC 7622 §3.3: PRECIS UsernameCaseMapped). The error is a sentence for
// people.
func PrepareUsername(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "":
		return "", Refusal("Choose a user name.")
	case utf8.RuneCountInString(typed) > MaxUsername:
		return "", Refusal(fmt.Sprintf("A user name can have at most %d characters.", MaxUsername))
	}
	j, err := jid.New(typed, "localhost", "")
	if err != nil {
		return "", Refusal("A user name can contain only letters, digits and . _ - (no spaces).")
	}
	name := j.Localpart()
	if utf8.RuneCountInString(name) > MaxUsername { // a small letter may take more of them than a large one
		return "", Refusal(fmt.Sprintf("A user name can have at most %d characters.", MaxUsername))
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("._-", r) {
			return "", Refusal("A user name can contain only letters, digits and . _ - (no spaces).")
		}
	}
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) && !unicode.IsDigit(first) {
		return "", Refusal("A user name must begin with a letter or a digit.")
	}
	return name, nil
}

// isPortable reports whether a prepared name is the same on servers that prepare names
// by the older rule of XMPP (RFC 6122, Nodeprep), as Prosody and ejabberd do. There,
// "straße" is "strasse": the one would sign in as the other.
func isPortable(name string) bool { return norm.NFKC.String(cases.Fold().String(name)) == name }

// ErrUsernameTaken is the one answer for names that are taken, were taken, or are
// the site's own.
const ErrUsernameTaken = Refusal("That user name is not available. Try another one.")

// CheckAvailable refuses new accounts prepared names that would pass for the site, in any mix of
// punctuation, and those that the chat server would take for other ones. The error is a
// sentence for people.
func (s *Service) CheckAvailable(name string) error {
	switch {
	case isReserved(name), isReserved(strings.NewReplacer(".", "", "_", "", "-", "").Replace(name)), mixesScripts(name):
		return ErrUsernameTaken
	case hasSecondDot(name):
		return Refusal("Use a plain i in that user name instead of İ: the two look the same in lower case.")
	case s.cfg.External && !isPortable(name):
		return Refusal("The chat cannot use that user name. Choose one without letters such as ß.")
	}
	return nil
}

// mixesScripts reports whether a name has Latin letters among ones of Greek or
// Cyrillic, which look the same.
func mixesScripts(name string) bool {
	var latin, lookalike bool
	for _, r := range name {
		latin = latin || unicode.Is(unicode.Latin, r)
		lookalike = lookalike || unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee)
	}
	return latin && lookalike
}

// hasSecondDot reports whether a name has a dot above a letter that has one: the two are drawn as
// one, so that i̇ looks like i. The large İ becomes that.
func hasSecondDot(name string) bool {
	const dotlessI, dotAbove = 'ı', '\u0307'
	var before rune
	for _, r := range name {
		if r == dotAbove && (before == dotlessI || unicode.Is(unicode.Soft_Dotted, before)) {
			return true
		}
		before = r
	}
	return false
}

// PrepareName prepares the name that people see, by the rule for all names; an
// empty one becomes the user name. The error is a sentence for people.
func PrepareName(typed, username string) (string, error) {
	if strings.TrimSpace(typed) == "" {
		return username, nil
	}
	name, err := names.Prepare(typed)
	if err != nil {
		return "", Refusal(err.Error())
	}
	return name, nil
}
