package uploads

import (
	"net/url"
	"strings"
	"testing"
	"unicode"

	"foyer/internal/names"
)

func TestCleanFileName(t *testing.T) {
	for raw, want := range map[string]string{
		"cat.png": "cat.png", "  a  b.txt ": "a  b.txt", "/etc/passwd": "passwd", `C:\x\y.doc`: "y.doc", "..": "file", "a/..": "file", "": "file", ".htaccess": ".htaccess",
		"exe\u202egnp.exe": "exegnp.exe", "a\x00b\r\nc.txt": "abc.txt", "ü.png": "ü.png", "a\u2028b": "ab", "a\tb": "ab", "🐈‍⬛.png": "🐈‍⬛.png", "\u200b": "file",
		strings.Repeat("é", 150) + ".jpeg": strings.Repeat("é", 97) + ".jpeg", strings.Repeat("a", 300): strings.Repeat("a", 200), "a.%2e": "a.%2e",
		"می\u200cخواهم.pdf": "می\u200cخواهم.pdf", "👩\u200d🚀.png": "👩\u200d🚀.png", "🏴\U000e0067\U000e007f.svg": "🏴\U000e0067\U000e007f.svg", "\u200c\u200d": "file",
		strings.Repeat("\u200d", 100) + "x": "file",
	} {
		if got := cleanFileName(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// FuzzFileName: whatever a client calls its file, the name is harmless, and its
// address and its header lead back to it.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"cat.png", "../../x", "a\u202eb", "%2f%00", "é.\xff", strings.Repeat("x", 300) + ".tar.gz", "\r\nSet-Cookie: a=b"} {
		f.Add(seed)
	}
	s := New(Config{BaseURL: func() string { return "https://h" }})
	f.Fuzz(func(t *testing.T, raw string) {
		name := cleanFileName(raw)
		if name == "" || len(name) > maxFileName || strings.ContainsAny(name, "/\\\r\n\x00") || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || (unicode.In(r, unicode.Cf) && !names.IsPart(r)) }) {
			t.Errorf("%q became %q", raw, name)
		}
		if again := cleanFileName(name); again != name {
			t.Errorf("%q became %q, and that %q", raw, name, again)
		}
		u, err := url.Parse(s.uploadURL("secret", name))
		if err != nil || u.Path != "/upload/secret/"+name || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("%q: %v, %v", name, u, err)
		}
		header := ContentDisposition("inline", name)
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) || strings.Count(header, `"`) != 2 {
			t.Errorf("%q: %s", name, header)
		}
	})
}
