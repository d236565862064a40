package xmppd

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"slices"
	"strings"
	"sync"

	"foyer/internal/stanza"
	"foyer/internal/stream"
)

// Entity capabilities (XEP-0115): which nodes a client asks to be told of. Its
// presence names a hash of its features; the server asks for the features behind
// a hash it does not know.

// Bounds of what clients' capabilities may take.
const (
	maxCaps        = 1000 // hashes that are known for everybody
	maxWantedNodes = 50   // of one client
	maxCapsAttr    = 1023 // bytes
)

// caps is what presence says of a client's capabilities (XEP-0115 §4).
type caps struct{ node, hash, ver string }

// capsOf reads them; zero when there are none to be used.
func capsOf(p *stream.Element) caps {
	c, ok := p.Find(stanza.NSCaps, "c")
	if !ok {
		return caps{}
	}
	var out caps
	out.node, _ = c.Attr("node")
	out.hash, _ = c.Attr("hash")
	out.ver, _ = c.Attr("ver")
	if out.node == "" || out.ver == "" || len(out.node)+len(out.hash)+len(out.ver) > maxCapsAttr {
		return caps{}
	}
	return out
}

// wanted is the nodes a client asks to be told of, sorted. It is immutable.
type wanted []string

// wantedOf picks them from the features (XEP-0163 §4.3.2).
func wantedOf(features []string) wanted {
	var w wanted
	for _, f := range features {
		node, ok := strings.CutSuffix(f, "+notify")
		if !ok || len(w) >= maxWantedNodes || len(node) > maxNodeName {
			continue
		}
		w = append(w, node)
		if node == nodeOldBookmarks {
			// T: Converse 14 asks for the old node, but reads what comes of the new.
			w = append(w, nodeBookmarks)
		}
	}
	slices.Sort(w)
	return slices.Compact(w)
}

func (w wanted) has(node string) bool {
	_, ok := slices.BinarySearch(w, node)
	return ok
}

// without returns what is in w and not in old.
func (w wanted) without(old wanted) wanted {
	return slices.DeleteFunc(slices.Clone(w), old.has)
}

// wants reports whether the session is available and asks for the node's events.
func (s *session) wants(node string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.presence != nil && s.wanted.has(node)
}

func (s *session) wantedNodes() wanted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted
}

// noteCaps looks at the capabilities in a presence that was broadcast. What the
// client asks for in addition, and with initial presence all, is sent to it.
func (s *session) noteCaps(ctx context.Context, p *stream.Element, initial bool) {
	c := capsOf(p)
	s.mu.Lock()
	if initial {
		s.caps, s.wanted = caps{}, nil
	}
	same := s.caps == c
	s.caps = c
	s.mu.Unlock()
	if same {
		return
	}
	if w, ok := s.server.caps.get(c); ok || c == (caps{}) {
		s.setWanted(ctx, c, w)
		return
	}
	query := stanza.AppendAttr([]byte(`<query xmlns="`+stanza.NSDiscoInfo+`"`), "node", c.node+"#"+c.ver)
	s.request(append(query, "/>"...), func(ctx context.Context, iq *stream.Element) { s.capsAnswered(ctx, c, iq) })
}

// setWanted notes what the client asks for, unless its capabilities changed
// meanwhile, and sends it what is new to it. Its presence stands, whatever
// becomes of that.
func (s *session) setWanted(ctx context.Context, c caps, w wanted) {
	s.mu.Lock()
	if s.caps != c {
		s.mu.Unlock()
		return
	}
	added := w.without(s.wanted)
	s.wanted = w
	available := s.presence != nil
	s.mu.Unlock()
	if !available {
		return
	}
	if err := s.sendLastItems(ctx, added); err != nil && !errors.Is(err, context.Canceled) {
		s.log.Error("the last items of nodes were not sent", "err", err)
	}
}

// capsAnswered reads the features behind a hash. Those that have that hash are
// good for everybody who sends it; others for this client alone (XEP-0115 §5.4,
// S-48).
func (s *session) capsAnswered(ctx context.Context, c caps, iq *stream.Element) {
	query, ok := iq.Find(stanza.NSDiscoInfo, "query")
	if !ok || iq.Type != "result" {
		return
	}
	var info discoInfo
	if err := query.Decode(&info); err != nil {
		return
	}
	w := wantedOf(info.features())
	if info.verify(c) == nil {
		s.server.caps.put(c, w)
	}
	s.setWanted(ctx, c, w)
}

// discoInfo is an answer to disco#info (XEP-0030 §3.1, XEP-0128).
type discoInfo struct {
	Identities []struct {
		Category string `xml:"category,attr"`
		Type     string `xml:"type,attr"`
		Lang     string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Name     string `xml:"name,attr"`
	} `xml:"http://jabber.org/protocol/disco#info identity"`
	Features []struct {
		Var string `xml:"var,attr"`
	} `xml:"http://jabber.org/protocol/disco#info feature"`
	Forms []discoForm `xml:"jabber:x:data x"`
}

type discoForm struct {
	Fields []discoField `xml:"jabber:x:data field"`
}

type discoField struct {
	Var    string   `xml:"var,attr"`
	Type   string   `xml:"type,attr"`
	Values []string `xml:"jabber:x:data value"`
}

func (d discoInfo) features() []string {
	out := make([]string, len(d.Features))
	for i, f := range d.Features {
		out[i] = f.Var
	}
	return out
}

var (
	errCapsIllFormed = errors.New("xmppd: ill-formed capabilities")
	errCapsMismatch  = errors.New("xmppd: capabilities do not have that hash")
	errCapsHash      = errors.New("xmppd: unknown hash of capabilities")
)

// verify computes the hash anew (XEP-0115 §5.4).
func (d discoInfo) verify(c caps) error {
	s, err := d.verification()
	if err != nil {
		return err
	}
	switch sum := capsSum(c.hash, s); sum {
	case "":
		return errCapsHash
	case c.ver:
		return nil
	}
	return errCapsMismatch
}

// capsSum hashes a verification string; empty when the function is not known.
func capsSum(name, s string) string {
	h := capsHash(name)
	if h == nil {
		return ""
	}
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// capsHash returns the hash function by its registered name (XEP-0300).
func capsHash(name string) hash.Hash {
	switch name {
	case "sha-1":
		return sha1.New() // what XEP-0115 §5.1 asks for
	case "sha-256":
		return sha256.New()
	case "sha-384":
		return sha512.New384()
	case "sha-512":
		return sha512.New()
	}
	return nil
}

// verification is the string that is hashed (XEP-0115 §5.1). The error tells that
// the answer is ill-formed (§5.4): something in it is there twice.
func (d discoInfo) verification() (string, error) {
	identities := make([]string, len(d.Identities))
	for i, id := range d.Identities {
		identities[i] = strings.Join([]string{capsEscape(id.Category), capsEscape(id.Type), capsEscape(id.Lang), capsEscape(id.Name)}, "/")
	}
	features := d.features()
	for i := range features {
		features[i] = capsEscape(features[i])
	}
	slices.Sort(features)
	slices.Sort(identities)
	if hasTwins(identities) || hasTwins(features) {
		return "", errCapsIllFormed
	}
	forms, err := d.formStrings()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, part := range slices.Concat(identities, features, forms) {
		b.WriteString(part)
		b.WriteByte('<')
	}
	return b.String(), nil
}

// capsEscape: the separator cannot occur in what it separates (XEP-0115 §5.1).
func capsEscape(s string) string { return strings.ReplaceAll(s, "<", "&lt;") }

// hasTwins reports whether something is in the sorted list twice.
func hasTwins(sorted []string) bool { return len(slices.Compact(slices.Clone(sorted))) != len(sorted) }

// formStrings returns, form by form, what the extended information adds
// (XEP-0115 §5.1 step 7).
func (d discoInfo) formStrings() ([]string, error) {
	byType := make(map[string][]string)
	for _, f := range d.Forms {
		formType, fields, err := f.strings()
		if err != nil {
			return nil, err
		}
		if formType == "" {
			continue // §5.4: a form without a type is ignored
		}
		if _, twice := byType[formType]; twice {
			return nil, errCapsIllFormed
		}
		byType[formType] = fields
	}
	types := make([]string, 0, len(byType))
	for t := range byType {
		types = append(types, t)
	}
	slices.Sort(types)
	var out []string
	for _, t := range types {
		out = append(append(out, t), byType[t]...)
	}
	return out, nil
}

// strings returns a form's type and its fields, each followed by its values.
func (f discoForm) strings() (formType string, out []string, err error) {
	fields := slices.Clone(f.Fields)
	slices.SortStableFunc(fields, func(a, b discoField) int { return cmp.Compare(a.Var, b.Var) })
	for _, field := range fields {
		values := slices.Clone(field.Values)
		for i := range values {
			values[i] = capsEscape(values[i])
		}
		slices.Sort(values)
		if field.Var == "FORM_TYPE" {
			if len(slices.Compact(slices.Clone(values))) > 1 {
				return "", nil, errCapsIllFormed
			}
			if field.Type == "hidden" && len(values) > 0 {
				formType = values[0]
			}
			continue
		}
		out = append(append(out, capsEscape(field.Var)), values...)
	}
	return formType, out, nil
}

// capsCache is the hashes that are known for everybody. Its zero value is ready.
type capsCache struct {
	mu    sync.Mutex
	known map[caps]wanted // with an empty node: the hash stands for itself
}

func (cc *capsCache) get(c caps) (wanted, bool) {
	c.node = ""
	cc.mu.Lock()
	defer cc.mu.Unlock()
	w, ok := cc.known[c]
	return w, ok
}

func (cc *capsCache) put(c caps, w wanted) {
	c.node = ""
	cc.mu.Lock()
	defer cc.mu.Unlock()
	if cc.known == nil {
		cc.known = make(map[caps]wanted)
	}
	if len(cc.known) >= maxCaps {
		for k := range cc.known { // any: whoever sends it is asked again
			delete(cc.known, k)
			break
		}
	}
	cc.known[c] = w
}
