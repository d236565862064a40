package oidc

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"strings"
	"time"
)

// claims are what a provider says, by name. Names are compared to the letter, which
// decoding into a struct would not do.
type claims map[string]json.RawMessage

func parseClaims(raw []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("there are none")
	}
	return c, nil
}

// with returns these claims, and of others what these do not say. null says nothing (OpenID Connect
// Core 1.0 §5.3.2), and of objects each member counts, since names may be paths.
func (c claims) with(others claims) claims {
	all := maps.Clone(others)
	for name, raw := range c {
		if string(raw) == "null" && others.has(name) {
			continue
		}
		said, err := parseClaims(raw)
		more, noObject := parseClaims(others[name])
		if err == nil && noObject == nil {
			if both, err := json.Marshal(said.with(more)); err == nil {
				raw = both
			}
		}
		all[name] = raw
	}
	return all
}

// find returns a claim. Its name may be a path, such as realm_access.roles; a claim that is
// called exactly so comes first, since names may be addresses.
func (c claims) find(name string) (json.RawMessage, bool) {
	if raw, ok := c[name]; ok {
		return raw, string(raw) != "null"
	}
	head, rest, isPath := strings.Cut(name, ".")
	if !isPath {
		return nil, false
	}
	var below claims
	if json.Unmarshal(c[head], &below) != nil {
		return nil, false
	}
	return below.find(rest)
}

func (c claims) has(name string) bool {
	_, ok := c.find(name)
	return ok
}

// text returns a claim that is a string.
func (c claims) text(name string) (string, bool) {
	raw, ok := c.find(name)
	var s string
	if !ok || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// list returns a claim that is a string or several; what is neither is left out.
func (c claims) list(name string) ([]string, bool) {
	if s, ok := c.text(name); ok {
		return []string{s}, true
	}
	raw, ok := c.find(name)
	var items []any
	if !ok || json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		if s, ok := item.(string); ok {
			list = append(list, s)
		}
	}
	return list, true
}

// time returns a claim that is a moment (RFC 7519 §2, NumericDate).
func (c claims) time(name string) (time.Time, bool) {
	raw, ok := c.find(name)
	var seconds float64
	if !ok || json.Unmarshal(raw, &seconds) != nil || math.Abs(seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// holds reports whether a claim is a value, or holds it as one of several. Booleans and numbers
// count as they are written.
func (c claims) holds(name, value string) bool {
	if list, ok := c.list(name); ok {
		for _, item := range list {
			if item == value {
				return true
			}
		}
		return false
	}
	raw, ok := c.find(name)
	return ok && string(raw) == value
}
