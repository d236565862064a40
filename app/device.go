package app

import (
	"strings"

	"foyer/models"
)

// sessionName says in words a person recognises what is signed in.
func sessionName(s models.Session) string {
	switch s.Kind {
	case models.AppSession:
		return "A chat app, with your password"
	case models.TokenSession:
		return "A sign-in token from the people who run this site"
	}
	return deviceName(s.UserAgent)
}

// deviceName turns a browser's User-Agent into words a person recognises.
func deviceName(userAgent string) string {
	browser := firstMatch(userAgent, [][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}, "A browser")
	system := firstMatch(userAgent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"Mac OS X", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}, "")
	if system == "" {
		return browser
	}
	return browser + " on " + system
}

func firstMatch(s string, names [][2]string, otherwise string) string {
	for _, n := range names {
		if strings.Contains(s, n[0]) {
			return n[1]
		}
	}
	return otherwise
}
