package names

import (
	"strings"
	"testing"

	"mellium.im/xmpp/jid"
)

// what the site takes, every room takes; what is typed without knowing is
// tidied, what is not seen is refused.
func TestPrepare(t *testing.T) {
	for typed, want := range map[string]string{
		"Alice Adler":            "Alice Adler",
		"  Alice \n\t Adler ":    "Alice Adler",
		"Anna ❤\uFE0F":           "Anna ❤",
		"Alex · Design":          "Alex ‧ Design",
		"Gal·la Placídia":        "Gal·la Placídia",
		"GAL·LA":                 "GAL‧LA",
		"ジョン・スミス":                "ジョン・スミス",
		"Jo・Smith":               "Jo‧Smith",
		"می\u200cخواهم":          "می\u200cخواهم",          // Persian
		"دانشجو\u200cها":         "دانشجوها",               // joins nothing after a letter that does not join
		"ශ්\u200dරී":             "ශ්\u200dරී",             // Sinhala
		"ന്\u200d":               "ന്\u200d",               // Malayalam
		"क्\u200dष":              "क्\u200dष",              // Hindi
		"👩\u200d🚀 Ada":           "👩🚀 Ada",                 // an emoji that is two
		"Al\u200dice":            "Alice",                  // no look-alike of Alice
		"🏴\U000E0067\U000E007F":  "🏴",                      // a flag with tags
		"ﬁ":                      "fi",                     // RFC 8266 §2.1: NFKC
		"7":                      "7",                      //
		"Đặng Thị Ngọc":          "Đặng Thị Ngọc",          //
		"שָׁלוֹם":                "שָׁלוֹם",                // Hebrew with points
		strings.Repeat("x", Max): strings.Repeat("x", Max), //
	} {
		got, err := Prepare(typed)
		if err != nil || got != want {
			t.Errorf("%+q becomes %+q, %v; want %+q", typed, got, err, want)
			continue
		}
		if again, err := Prepare(got); again != got || err != nil {
			t.Errorf("%+q becomes %+q, %v when it is prepared again", got, again, err)
		}
		if j, err := jid.Parse("room@conference.example.org/" + got); err != nil || j.Resourcepart() != got {
			t.Errorf("%+q in an address is %+q, %v", got, j.Resourcepart(), err)
		}
	}
}

func TestPrepare_Refuses(t *testing.T) {
	for typed, want := range map[string]Refusal{
		"":                                ErrEmpty,
		"M\xfcller":                       ErrNoText, // Latin-1
		" \n":                             ErrEmpty,
		"\u2800":                          ErrEmpty, // a blank in Braille
		"\u0301":                          ErrEmpty,
		"\u200b":                          ErrEmpty,
		"Alice Adler\u200b":               ErrInvisible,
		"\u202Eecila":                     ErrInvisible,
		"\u2066Alice":                     ErrInvisible,
		"Al\u00adice":                     ErrInvisible,
		"a\u3164b":                        ErrInvisible, // Hangul filler, which NFKC makes another one
		"a\x00b":                          ErrInvisible,
		"\ue000":                          "A name cannot have “\ue000”.",
		"٣ and ۳":                         ErrMixed,
		"z" + strings.Repeat("\u0335", 9): ErrMarks,
		strings.Repeat("x", Max+1):        ErrTooLong,
		strings.Repeat("ﷺ", 4):            ErrTooLong, // 18 characters each
		strings.Repeat("x", 1<<20):        ErrTooLong,
	} {
		if got, err := Prepare(typed); err != want {
			t.Errorf("%.40q becomes %q, %v; want %v", typed, got, err, want)
		}
	}
}

func TestClean(t *testing.T) {
	for given, want := range map[string]string{
		"Anna ❤\uFE0F":            "Anna ❤",
		"Al\u200bice\u202E Adler": "Alice Adler",
		"٣ and ۳":                 "٣ and",
		strings.Repeat("x", 100):  strings.Repeat("x", Max),
		"\u202E":                  "",
	} {
		if got := Clean(given); got != want {
			t.Errorf("%+q becomes %+q, want %+q", given, got, want)
		}
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add("Anna ❤\uFE0F · Gal·la ・ می\u200cخواهم")
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := Prepare(typed)
		if err != nil {
			return
		}
		if again, err := Prepare(name); again != name || err != nil {
			t.Errorf("%+q, from %+q, becomes %+q, %v", name, typed, again, err)
		}
		if j, err := jid.Parse("room@conference.example.org/" + name); err != nil || j.Resourcepart() != name {
			t.Errorf("%+q in an address is %+q, %v", name, j.Resourcepart(), err)
		}
	})
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"  Tea\n& cake  ":           "Tea & cake",
		"\u202Eetirw\u200b":         "etirw",
		"Design · 👩\u200d🚀 ❤\uFE0F": "Design · 👩\u200d🚀 ❤\uFE0F",
		"\u2066":                    "",
		"\u3164 \uFFA0":             "", // Hangul fillers
		"\u2800\u00A0":              "", // a blank in Braille
		"\u200d\uFE0F":              "",
	} {
		if got := Line(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
}
