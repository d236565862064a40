package stanza

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"slices"
	"strings"
)

// The hash of what an entity can do (XEP-0115 §5).

// Capabilities is an answer to disco#info (XEP-0030 §3.1, XEP-0128), to be decoded
// with encoding/xml and hashed.
type Capabilities struct {
	Identities []struct {
		Category string `xml:"category,attr"`
		Type     string `xml:"type,attr"`
		Lang     string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Name     string `xml:"name,attr"`
	} `xml:"http://jabber.org/protocol/disco#info identity"`
	Features []struct {
		Var string `xml:"var,attr"`
	} `xml:"http://jabber.org/protocol/disco#info feature"`
	Forms []capsForm `xml:"jabber:x:data x"`
}

type capsForm struct {
	Fields []capsField `xml:"jabber:x:data field"`
}

type capsField struct {
	Var    string   `xml:"var,attr"`
	Type   string   `xml:"type,attr"`
	Values []string `xml:"jabber:x:data value"`
}

// Names returns the features.
func (c Capabilities) Names() []string {
	out := make([]string, len(c.Features))
	for i, f := range c.Features {
		out[i] = f.Var
	}
	return out
}

// Why capabilities cannot be used, or are not those that were named.
var (
	ErrCapsIllFormed = errors.New("stanza: ill-formed capabilities")
	ErrCapsMismatch  = errors.New("stanza: capabilities do not have that hash")
	ErrCapsHash      = errors.New("stanza: unknown hash of capabilities")
)

// Ver returns the capabilities' hash, by the registered name of the hash function
// (XEP-0115 §5.1, XEP-0300). Errors: ErrCapsIllFormed, ErrCapsHash.
func (c Capabilities) Ver(hash string) (string, error) {
	s, err := c.verification()
	if err != nil {
		return "", err
	}
	h := capsHash(hash)
	if h == nil {
		return "", ErrCapsHash
	}
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// Verify computes the hash again and compares it (XEP-0115 §5.4).
func (c Capabilities) Verify(hash, ver string) error {
	sum, err := c.Ver(hash)
	if err == nil && sum != ver {
		err = ErrCapsMismatch
	}
	return err
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
func (c Capabilities) verification() (string, error) {
	identities := make([]string, len(c.Identities))
	for i, id := range c.Identities {
		identities[i] = strings.Join([]string{capsEscape(id.Category), capsEscape(id.Type), capsEscape(id.Lang), capsEscape(id.Name)}, "/")
	}
	features := c.Names()
	for i := range features {
		features[i] = capsEscape(features[i])
	}
	slices.Sort(features)
	slices.Sort(identities)
	if hasTwins(identities) || hasTwins(features) {
		return "", ErrCapsIllFormed
	}
	forms, err := c.formStrings()
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
func (c Capabilities) formStrings() ([]string, error) {
	byType := make(map[string][]string)
	for _, f := range c.Forms {
		formType, fields, err := f.strings()
		if err != nil {
			return nil, err
		}
		if formType == "" {
			continue // §5.4: a form without a type is ignored
		}
		if _, twice := byType[formType]; twice {
			return nil, ErrCapsIllFormed
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
func (f capsForm) strings() (formType string, out []string, err error) {
	fields := slices.Clone(f.Fields)
	slices.SortStableFunc(fields, func(a, b capsField) int { return cmp.Compare(a.Var, b.Var) })
	for _, field := range fields {
		values := slices.Clone(field.Values)
		for i := range values {
			values[i] = capsEscape(values[i])
		}
		slices.Sort(values)
		if field.Var == "FORM_TYPE" {
			if len(slices.Compact(slices.Clone(values))) > 1 {
				return "", nil, ErrCapsIllFormed
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
