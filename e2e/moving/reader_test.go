package moving

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"foyer/e2e/peers"
	"foyer/internal/stream"
)

// reader is a client that reads what its account and rooms have.
type reader struct {
	*peers.Session
	t    testing.TB
	asks int
}

func signIn(t testing.TB, addr, user string) *reader {
	t.Helper()
	s, refusal := peers.SignIn(t, addr, domain, "", user, password)
	if s == nil {
		t.Fatalf("%s is not let in: %s", user, refusal)
	}
	return &reader{Session: s, t: t}
}

// ask sends an IQ, and returns what came before the answer, and the answer's content. An
// error is returned as its condition.
func (r *reader) ask(typ, to, payload string) (before []peers.Element, answer, condition string) {
	r.t.Helper()
	r.asks++
	id := fmt.Sprint("ask", r.asks)
	if to != "" {
		to = " to='" + to + "'"
	}
	r.Send("<iq type='" + typ + "' id='" + id + "'" + to + ">" + payload + "</iq>")
	for {
		el := r.Next()
		if el.XMLName.Local != "iq" || el.ID != id {
			before = append(before, el)
			continue
		}
		if el.Type == "error" {
			return before, "", el.Inner
		}
		return before, el.Inner, ""
	}
}

// get asks for something that has to be there.
func (r *reader) get(to, payload string) string {
	r.t.Helper()
	_, answer, condition := r.ask("get", to, payload)
	if condition != "" {
		r.t.Fatalf("%s is refused: %s", payload, condition)
	}
	return answer
}

// decode decodes what an answer has.
func (r *reader) decode(answer string, v any) {
	r.t.Helper()
	if err := xml.Unmarshal([]byte("<answer>"+answer+"</answer>"), v); err != nil {
		r.t.Fatalf("%v: %s", err, answer)
	}
}

// result is a message of an archive.
type result struct {
	Found struct {
		ID        string `xml:"id,attr"`
		Forwarded struct {
			Delay struct {
				Stamp string `xml:"stamp,attr"`
			} `xml:"delay"`
			Message struct {
				From string `xml:"from,attr"`
				To   string `xml:"to,attr"`
				ID   string `xml:"id,attr"`
				Body string `xml:"body"`
			} `xml:"message"`
		} `xml:"forwarded"`
	} `xml:"result"`
}

// history reads an archive page by page, from its beginning (XEP-0313 §4.3).
func (r *reader) history(to, form string) (all []result) {
	r.t.Helper()
	for after := ""; ; {
		if after != "" {
			after = "<after>" + after + "</after>"
		}
		query := "<query xmlns='urn:xmpp:mam:2'>" + form + "<set xmlns='http://jabber.org/protocol/rsm'><max>40</max>" + after + "</set></query>"
		page, answer, condition := r.ask("set", to, query)
		if condition != "" {
			r.t.Fatalf("the archive is refused: %s", condition)
		}
		var fin struct {
			Fin struct {
				Complete string `xml:"complete,attr"`
				Last     string `xml:"set>last"`
			} `xml:"fin"`
		}
		r.decode(answer, &fin)
		for _, el := range page {
			var m struct {
				result
			}
			if el.XMLName.Local == "message" && strings.Contains(el.Inner, "urn:xmpp:mam:2") {
				r.decode(el.Inner, &m)
				all = append(all, m.result)
			}
		}
		if after = fin.Fin.Last; fin.Fin.Complete == "true" || after == "" {
			return all
		}
	}
}

// with is the form that asks for what was said with somebody.
func with(jid string) string {
	return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field><field var='with'><value>" + stream.Escape(jid) + "</value></field></x>"
}

// items are the items of a node, by id, each as its content.
func (r *reader) items(jid, node string) map[string]string {
	r.t.Helper()
	var found struct {
		Items []struct {
			ID    string `xml:"id,attr"`
			Inner string `xml:",innerxml"`
		} `xml:"pubsub>items>item"`
	}
	r.decode(r.get(jid, "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='"+node+"'/></pubsub>"), &found)
	all := make(map[string]string)
	for _, it := range found.Items {
		all[it.ID] = it.Inner
	}
	return all
}

// form is a form's values by the names of its fields.
func (r *reader) form(answer string) map[string][]string {
	r.t.Helper()
	var found struct {
		Fields []struct {
			Name   string   `xml:"var,attr"`
			Values []string `xml:"value"`
		} `xml:"query>x>field"`
	}
	r.decode(answer, &found)
	all := make(map[string][]string)
	for _, f := range found.Fields {
		all[f.Name] = f.Values
	}
	return all
}

// element finds whether an element is in some XML, whatever quotes and order its
// attributes have: those given, by name.
func hasElement(raw, local string, attrs map[string]string) bool {
	for d := xml.NewDecoder(strings.NewReader(raw)); ; {
		token, err := d.Token()
		if err != nil {
			return false
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != local {
			continue
		}
		found := 0
		for _, a := range start.Attr {
			if want, asked := attrs[a.Name.Local]; asked && want == a.Value {
				found++
			}
		}
		if found == len(attrs) {
			return true
		}
	}
}
