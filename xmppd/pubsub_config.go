package xmppd

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"foyer/internal/stream"
)

// The configuration of a node as a form (XEP-0060 §8.2, §16.4.3, §16.4.5).

const (
	formNodeConfig     = nsPubsub + "#node_config"
	formPublishOptions = nsPubsub + "#publish-options"
	formMetadata       = nsPubsub + "#meta-data"
)

// Bounds of a node's configuration.
const (
	maxNodeItems   = 1000 // what max_items "max" means
	maxNodeMembers = 200
	maxNodeTitle   = 256 // characters
)

var errConfigValue = &StanzaError{Type: ErrorModify, Condition: "not-acceptable", Text: "That value of a node's configuration is not supported."}

// defaultConfig is how a node begins. Nodes whose items hold secrets are never
// shown to contacts because a client forgot to say so.
func defaultConfig(node string) NodeConfig {
	c := NodeConfig{
		Access: AccessPresence, MaxItems: 1, Persist: true, SendLast: SendOnPresence,
		Payloads: true, NotifyRetract: true, NotifyDelete: true,
	}
	switch node {
	case nodeBookmarks, nodeOldBookmarks: // XEP-0402 §2
		c.Access, c.MaxItems, c.SendLast = AccessWhitelist, maxNodeItems, SendNever
	case nodeAvatarData, nodeAvatarMetadata: // the same picture is in the vCard, which all may read
		c.Access = AccessOpen
	}
	return c
}

// configField is one field of the form.
type configField struct {
	name    string // without "pubsub#"
	kind    string
	label   string
	options []string
	get     func(c *NodeConfig) []string
	set     func(c *NodeConfig, values []string) bool // false: not a value we support
}

// configFields is the form in order. Those that the server decides are in it, so
// that clients which ask for just that are not refused.
func configFields() []configField {
	return []configField{
		textField("title", "A name for people", func(c *NodeConfig) *string { return &c.Title }),
		textField("type", "The namespace of the payload", func(c *NodeConfig) *string { return &c.Type }),
		{
			name: "access_model", kind: "list-single", label: "Who may read",
			options: []string{string(AccessOpen), string(AccessPresence), string(AccessRoster), string(AccessWhitelist)},
			get:     func(c *NodeConfig) []string { return []string{string(c.Access)} },
			set:     func(c *NodeConfig, v []string) bool { c.Access = AccessModel(v[0]); return true },
		},
		{
			name: "roster_groups_allowed", kind: "text-multi", label: "Groups of contacts that may read (access model roster)",
			get: func(c *NodeConfig) []string { return c.Groups },
			set: func(c *NodeConfig, v []string) bool { c.Groups = v; return len(v) <= maxContactGroups },
		},
		{
			name: "max_items", kind: "text-single", label: "Items that are kept: a number, or max",
			get: func(c *NodeConfig) []string { return []string{formatMaxItems(c.MaxItems)} },
			set: setMaxItems,
		},
		boolField("persist_items", "Keep items", func(c *NodeConfig) *bool { return &c.Persist }),
		{
			name: "send_last_published_item", kind: "list-single", label: "When the last item is sent",
			options: []string{string(SendNever), string(SendOnSub), string(SendOnPresence)},
			get:     func(c *NodeConfig) []string { return []string{string(c.SendLast)} },
			set:     func(c *NodeConfig, v []string) bool { c.SendLast = SendLast(v[0]); return true },
		},
		boolField("deliver_payloads", "Notifications have the item's content", func(c *NodeConfig) *bool { return &c.Payloads }),
		boolField("notify_retract", "Tell of removed items", func(c *NodeConfig) *bool { return &c.NotifyRetract }),
		boolField("notify_delete", "Tell when the node is deleted", func(c *NodeConfig) *bool { return &c.NotifyDelete }),
		boolField("notify_config", "Tell when this configuration changes", func(c *NodeConfig) *bool { return &c.NotifyConfig }),
		fixedField("publish_model", "list-single", "Who may publish", "publishers"),
		fixedField("presence_based_delivery", "boolean", "Notify only who is available", "1"),
		fixedField("purge_offline", "boolean", "Remove items when the owner goes offline", "0"),
		fixedField("item_expire", "text-single", "When items expire", "max"),
	}
}

func textField(name, label string, field func(*NodeConfig) *string) configField {
	return configField{
		name: name, kind: "text-single", label: label,
		get: func(c *NodeConfig) []string { return []string{*field(c)} },
		set: func(c *NodeConfig, v []string) bool {
			*field(c) = v[0]
			return utf8.RuneCountInString(v[0]) <= maxNodeTitle
		},
	}
}

func boolField(name, label string, field func(*NodeConfig) *bool) configField {
	return configField{
		name: name, kind: "boolean", label: label,
		get: func(c *NodeConfig) []string { return []string{formatBool(*field(c))} },
		set: func(c *NodeConfig, v []string) (ok bool) {
			*field(c), ok = parseBool(v[0])
			// XEP-0384 §7.1 says "max" of persist_items, and means that they are kept.
			if name == "persist_items" && v[0] == "max" {
				*field(c), ok = true, true
			}
			return ok
		},
	}
}

// fixedField has one value.
func fixedField(name, kind, label, value string) configField {
	f := configField{
		name: name, kind: kind, label: label,
		get: func(*NodeConfig) []string { return []string{value} },
		set: func(_ *NodeConfig, v []string) bool {
			given := v[0]
			if b, ok := parseBool(given); kind == "boolean" && ok {
				given = formatBool(b)
			}
			return given == value
		},
	}
	if kind == "list-single" {
		f.options = []string{value}
	}
	return f
}

func formatBool(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func parseBool(s string) (value, ok bool) {
	switch s {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}

// setMaxItems: a number beyond what is kept means as many as possible.
func setMaxItems(c *NodeConfig, v []string) bool {
	if v[0] == "max" {
		c.MaxItems = maxNodeItems
		return true
	}
	n, err := strconv.ParseUint(v[0], 10, 31)
	if err != nil || n == 0 {
		return false
	}
	c.MaxItems = int(min(n, maxNodeItems))
	return true
}

func formatMaxItems(n int) string {
	if n >= maxNodeItems {
		return "max"
	}
	return strconv.Itoa(n)
}

// submission is what a client submitted, field by field.
type submission struct {
	field  configField
	values []string
}

// parseConfig reads a submitted form. Unknown fields are refused: a client that
// asks for something must not believe that it got it. An empty value leaves the
// field as it is, except for text (T: Converse 14 sends lists back empty).
func parseConfig(parent stream.Child, formType string) ([]submission, error) {
	form, ok := parent.Find(nsDataForms, "x")
	if !ok {
		return nil, nil
	}
	if typ, _ := form.Attr("type"); typ != "submit" {
		return nil, ErrBadRequest
	}
	fields := configFields()
	var out []submission
	for f := range form.Children() {
		if f.Name.Local != "field" {
			continue
		}
		name, values := formField(f)
		if name == "FORM_TYPE" {
			if len(values) != 1 || values[0] != formType {
				return nil, ErrBadRequest
			}
			continue
		}
		i := slices.IndexFunc(fields, func(c configField) bool { return "pubsub#"+c.name == name })
		if i < 0 {
			return nil, &StanzaError{Type: ErrorModify, Condition: "not-acceptable", Text: "The field " + name + " is not supported."}
		}
		if fields[i].empty(values) {
			continue
		}
		out = append(out, submission{fields[i], values})
	}
	return out, nil
}

// empty reports whether the values leave the field as it is.
func (f configField) empty(values []string) bool {
	if len(values) == 0 || f.name == "title" || f.name == "type" {
		return len(values) == 0
	}
	return len(values) == 1 && values[0] == ""
}

// formField returns name and values of a field.
func formField(f stream.Child) (name string, values []string) {
	name, _ = f.Attr("var")
	for v := range f.Children() {
		if v.Name.Local == "value" {
			values = append(values, v.Text())
		}
	}
	return name, values
}

// apply returns the configuration with what was submitted.
func (c NodeConfig) apply(submitted []submission) (NodeConfig, error) {
	c = c.clone()
	for _, s := range submitted {
		if len(s.field.options) > 0 && !slices.Contains(s.field.options, s.values[0]) {
			return c, errConfigValue
		}
		if (s.field.kind != "text-multi" && len(s.values) > 1) || !s.field.set(&c, s.values) {
			return c, errConfigValue
		}
	}
	return c, nil
}

// meets reports whether the configuration is as the publish-options want it
// (XEP-0060 §7.1.5, S-67).
func (c NodeConfig) meets(options []submission) (bool, error) {
	wanted, err := c.apply(options)
	if err != nil {
		return false, err
	}
	for _, o := range options {
		if !slices.Equal(o.field.get(&c), o.field.get(&wanted)) {
			return false, nil
		}
	}
	return true, nil
}

// appendForm appends the configuration as a form to fill in.
func (c NodeConfig) appendForm(dst []byte) []byte {
	dst = appendFormType(append(dst, `<x xmlns="`+nsDataForms+`" type="form">`...), formNodeConfig)
	for _, f := range configFields() {
		dst = appendConfigField(dst, f, &c)
	}
	return append(dst, "</x>"...)
}

// appendMetadata appends what anybody may know of a node (XEP-0060 §5.4).
func (c NodeConfig) appendMetadata(dst []byte) []byte {
	dst = appendFormType(append(dst, `<x xmlns="`+nsDataForms+`" type="result">`...), formMetadata)
	for _, f := range configFields() {
		if slices.Contains([]string{"title", "type", "access_model", "max_items"}, f.name) {
			dst = appendConfigField(dst, f, &c)
		}
	}
	return append(dst, "</x>"...)
}

func appendFormType(dst []byte, formType string) []byte {
	return append(dst, `<field var="FORM_TYPE" type="hidden"><value>`+formType+`</value></field>`...)
}

func appendConfigField(dst []byte, f configField, c *NodeConfig) []byte {
	dst = append(dst, `<field var="pubsub#`+f.name+`" type="`+f.kind+`" label="`+f.label+`">`...)
	for _, v := range f.get(c) {
		dst = append(stream.AppendEscaped(append(dst, "<value>"...), v), "</value>"...)
	}
	for _, o := range f.options {
		dst = append(dst, `<option label="`+strings.ReplaceAll(o, "_", " ")+`"><value>`+o+`</value></option>`...)
	}
	return append(dst, "</field>"...)
}
