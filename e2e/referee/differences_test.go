package referee

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// difference is a place where the site and the referee differ, and why.
type difference struct{ id, topic, foyer, prosody, why string }

// differences is the list; transcripts name its lines by id.
func differences() []difference {
	return []difference{
		{"too early", "a stanza before signing in", "ends the stream with `not-authorized`", "answers the stanza with `service-unavailable`",
			"RFC 6120 §4.3.5 and §7.1 ask for the stream error"},
	}
}

var update = flag.Bool("update", false, "write the list of differences into docs/INTEROP.md")

const (
	document  = "../../docs/INTEROP.md"
	listBegin = "<!-- differences: go test ./e2e/referee -run Document -update -->\n"
	listEnd   = "<!-- end of differences -->\n"
)

// TestDocument: docs/INTEROP.md has the list as it is.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), listBegin)
	have, after, ok2 := strings.Cut(rest, listEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks of the list", document)
	}
	want := table(differences())
	if *update {
		if err := os.WriteFile(document, []byte(before+listBegin+want+listEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want {
		t.Errorf("%s does not have the list of differences as it is; run go test ./e2e/referee -run Document -update", document)
	}
}

func table(list []difference) string {
	var b strings.Builder
	b.WriteString("| what | Foyer | Prosody | why |\n|---|---|---|---|\n")
	for _, d := range list {
		b.WriteString("| " + strings.Join([]string{d.topic, d.foyer, d.prosody, d.why}, " | ") + " |\n")
	}
	return b.String()
}
