package app

import (
	"errors"
	"net/mail"
	"net/url"
	"strings"
)

// Contact is how people reach those who run the site.
type Contact struct{ Label, URL string }

// maxContact is the maximum length of CONTACT, in bytes: an e-mail address has no more (RFC 5321 §4.5.3.1.3).
const maxContact = 256

// newContact makes it from CONTACT, an e-mail address or a URL; nil: nobody says.
func newContact(setting string) (*Contact, error) {
	if setting == "" {
		return nil, nil
	}
	wrong := errors.New("it must be an e-mail address, such as help@example.org, or a URL, such as https://example.org/help")
	if len(setting) > maxContact || hasControls(setting) {
		return nil, wrong
	}
	if address := strings.TrimPrefix(setting, "mailto:"); !strings.Contains(setting, "://") {
		parsed, err := mail.ParseAddress(address)
		if err != nil || parsed.Address != address || strings.ContainsAny(address, `" `) {
			return nil, wrong
		}
		return &Contact{Label: address, URL: "mailto:" + url.PathEscape(address)}, nil
	}
	u, err := url.Parse(setting)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return nil, wrong
	}
	return &Contact{Label: u.Host + strings.TrimSuffix(u.Path, "/"), URL: u.String()}, nil
}
