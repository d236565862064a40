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
		{"too early", "a stanza before signing in", "ends the stream with `not-authorized`", "answers it with `service-unavailable`",
			"RFC 6120 §4.3.5 and §7.1 ask for the stream error"},
		{"roster groups", "a roster item with an empty group, or one twice", "an error", "accepted",
			"RFC 6121 §2.3.3: `not-acceptable`, `bad-request`"},
		{"remove unknown", "removing a contact who is not there: type of `item-not-found`", "`cancel`", "`modify`",
			"RFC 6121 §2.5.3 and RFC 6120 §8.3.3.7 say `cancel`"},
		{"unavailable after removal", "after a contact was removed, the remover is told that the contact is gone", "by each resource", "by the bare address",
			"RFC 6121 §3.3.3: from all of the contact's available resources"},
		{"priority", "a priority of 300", "`bad-request`", "passed on",
			"RFC 6121 §4.7.2.3 has −128 to 127"},
		{"priority raised", "a priority that rises above −1 after messages were kept", "they are delivered", "they wait for the next session",
			"XEP-0160 §2: at the next presence with a priority that is not negative"},
		{"offline typing", "a chat state for somebody who is away", "dropped", "kept",
			"XEP-0160 §3: a message with nothing but a chat state is not kept"},
		{"offline nostore", "a message with `<no-store/>` for somebody who is away", "not kept", "kept",
			"XEP-0334 §4.2: neither in the archive nor offline"},
		{"iq of strangers", "an IQ to a client of somebody who does not share presence", "`service-unavailable`", "delivered",
			"RFC 6121 §8.5.3.1 recommends it, so that a stranger does not learn who is there"},
		{"vCard of nobody", "the vCard of an account that does not exist", "`service-unavailable`", "an empty one",
			"XEP-0054 §3.3; either hides whether there is such an account"},
		{"presence after unblocking", "`<unblock/>` for everybody", "the contact sees the present state again", "nothing is sent",
			"XEP-0191 §3.4 and §3.5: current presence goes to those who were unblocked"},
		{"node of a stranger", "somebody who does not see the owner's presence asks for items that need that", "`not-authorized`", "`forbidden`",
			"XEP-0060 §6.5.9.6: with `<presence-subscription-required/>`"},
		{"node of nobody", "the items of an account that does not exist", "`service-unavailable`", "`forbidden`",
			"RFC 6121 §8.5.1"},
		{"closed node", "somebody who is not on the whitelist of a node asks for its items", "`not-allowed`", "`forbidden`",
			"XEP-0060 §6.5.9.8: with `<closed-node/>`"},
		{"unknown archive id", "an archive page after an unknown id: type of `item-not-found`", "`cancel`", "`modify`",
			"RFC 6120 §8.3.3.7 says `cancel`"},
		{"no nickname", "entering a room without a nickname", "`jid-malformed`", "`service-unavailable`",
			"XEP-0045 §7.2.1"},
		{"what was refused", "an error instead of entering a room", "repeats muc's `<x/>`", "does not",
			"XEP-0045's examples have it, and some clients (slixmpp) take no other for an answer to their joining"},
		{"speaking from outside", "speaking in a room without being in it: type of `not-acceptable`", "`modify`", "`cancel`",
			"XEP-0045 §7.4"},
		{"who declined", "an invitation is declined: `from`", "the bare address", "the full address",
			"XEP-0045 §7.8.2, as in its example"},
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
