package pep

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd"
)

// The configuration of a node as a form (XEP-0060 §8.2, §16.4.3, §16.4.5).

const (
	formNodeConfig     = stanza.NSPubsub + "#node_config"
	formPublishOptions = stanza.NSPubsub + "#publish-options"
	formMetadata       = stanza.NSPubsub + "#meta-data"
)

// Bounds of a node's configuration.
const (
	maxNodeItems   = 1000 // what max_items "max" means
	maxNodeMembers = 200
	maxNodeTitle   = 256 // characters
	maxConfigBytes = 16 << 10
)

var errConfigValue = &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "That value of a node's configuration is not supported."}

// defaultConfig is how a node begins. Nodes whose items hold secrets are never
// shown to contacts because a client forgot to say so.
func defaultConfig(node string) NodeConfig {
	c := NodeConfig{
		Access: AccessPresence, MaxItems: 1, Persist: true, SendLast: SendOnPresence,
		Payloads: true, NotifyRetract: true, NotifyDelete: true,
	}
	switch node {
	case NodeBookmarks, nodeOldBookmarks, NodeDisplayed: // XEP-0402 §2, XEP-0490 §4.1
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
		textField("type", "What the payload is, in a word for programs", func(c *NodeConfig) *string { return &c.Type }),
		{
			name: "access_model", kind: "list-single", label: "Who may read",
			options: []string{string(AccessOpen), string(AccessPresence), string(AccessRoster), string(AccessWhitelist)},
			get:     func(c *NodeConfig) []string { return []string{string(c.Access)} },
			set:     func(c *NodeConfig, v []string) bool { c.Access = AccessModel(v[0]); return true },
		},
		{
			name: "roster_groups_allowed", kind: "text-multi", label: "Groups of contacts that may read (access model roster)",
			get: func(c *NodeConfig) []string { return c.Groups },
			set: setGroups,
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
		get: func(c *NodeConfig) []string { return []string{stanza.FormatBool(*field(c))} },
		set: func(c *NodeConfig, v []string) (ok bool) {
			*field(c), ok = stanza.ParseBool(v[0])
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
			if b, ok := stanza.ParseBool(given); kind == "boolean" && ok {
				given = stanza.FormatBool(b)
			}
			return given == value
		},
	}
	if kind == "list-single" {
		f.options = []string{value}
	}
	return f
}

// setGroups takes as many groups as a contact may be in, with names that groups may have.
func setGroups(c *NodeConfig, v []string) bool {
	c.Groups = v
	return len(v) <= xmppd.MaxContactGroups && !slices.ContainsFunc(v, func(g string) bool { return utf8.RuneCountInString(g) > xmppd.MaxContactName })
}

// setMaxItems: a number beyond what is kept means as many as possible.
func setMaxItems(c *NodeConfig, v []string) bool {
	if v[0] == "max" {
		c.MaxItems = maxNodeItems
		return true
	}
	n, err := stanza.ParseNumber(v[0], 31)
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

// parseConfig reads a submitted form. Unknown fields of a configuration are ignored
// (XEP-0004 §3.1); those of publish-options are refused, since each is a condition
// (XEP-0060 §7.1.5). An empty value leaves the field as it is, except for text (T: Converse 14
// sends lists back empty).
func parseConfig(parent stream.Child, formType string) ([]submission, error) {
	x, ok := parent.Find(stanza.NSDataForms, "x")
	if !ok {
		return nil, nil
	}
	sent, err := stanza.ParseForm(x, formType)
	if err != nil {
		return nil, err
	}
	if sent.Type != "submit" {
		return nil, stanza.ErrBadRequest
	}
	fields := configFields()
	var out []submission
	for _, f := range sent.Fields {
		if f.Name == "FORM_TYPE" {
			continue
		}
		i := slices.IndexFunc(fields, func(c configField) bool { return "pubsub#"+c.name == f.Name })
		if i < 0 && formType == formNodeConfig {
			continue
		}
		if i < 0 {
			return nil, &stanza.Error{Type: stanza.ErrorModify, Condition: stanza.NotAcceptable, Text: "The field " + f.Name + " is not supported."}
		}
		if fields[i].empty(f.Values) {
			continue
		}
		out = append(out, submission{fields[i], f.Values})
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
	return c, c.fits()
}

// fits reports a configuration with more in it than one may have.
func (c NodeConfig) fits() error {
	size := len(c.Title) + len(c.Type)
	for _, text := range slices.Concat(c.Groups, c.Members) {
		size += len(text)
	}
	if size > maxConfigBytes {
		return stanza.ErrResourceConstraint
	}
	return nil
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

// form is the configuration as a form to fill in.
func (c NodeConfig) form() []byte {
	form := stanza.NewForm("form", formNodeConfig)
	for _, f := range configFields() {
		f.appendTo(form, &c)
	}
	return form.Payload()
}

// Submission is the configuration as a form that was filled in (XEP-0060 §8.2.5).
func (c NodeConfig) Submission() []byte {
	form := stanza.NewForm("submit", formNodeConfig)
	for _, f := range configFields() {
		form.Field(f.kind, "pubsub#"+f.name, "", f.get(&c)...)
	}
	return form.Payload()
}

// metadata is what anybody may know of a node (XEP-0060 §5.4).
func (c NodeConfig) metadata() []byte {
	form := stanza.NewForm("result", formMetadata)
	for _, f := range configFields() {
		if slices.Contains([]string{"title", "type", "access_model", "max_items"}, f.name) {
			f.appendTo(form, &c)
		}
	}
	return form.Payload()
}

func (f configField) appendTo(form *stanza.Form, c *NodeConfig) {
	options := make([][2]string, len(f.options))
	for i, o := range f.options {
		options[i] = [2]string{o, strings.ReplaceAll(o, "_", " ")}
	}
	form.Choice(f.kind, "pubsub#"+f.name, f.label, f.get(c), options...)
}
