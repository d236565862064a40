package app

import (
	"fmt"
	"reflect"
	"strings"
)

// SettingsTable returns the settings as the table in docs/SETTINGS.md; a test holds
// the two together.
func SettingsTable() string {
	return settingsTable(reflect.TypeFor[Config]()) + namedSettingsTable("OIDC", reflect.TypeFor[oidcSettings]())
}

// GatewaySettingsTable returns those of foyer gateway, as docs/GATEWAY.md has them.
func GatewaySettingsTable() string { return settingsTable(reflect.TypeFor[GatewayConfig]()) }

func settingsTable(t reflect.Type) string {
	var b strings.Builder
	b.WriteString("| Setting | Default | Description |\n|---|---|---|\n")
	b.WriteString(settingsRows(t, ""))
	return b.String()
}

// settingsRows are the rows of a table of settings whose names begin with a prefix.
func settingsRows(t reflect.Type, prefix string) string {
	var b strings.Builder
	for _, f := range settingFields(t) {
		name := f.Tag.Get("env")
		if name == "" || name == "-" {
			continue
		}
		name = prefix + name
		if f.Tag.Get("secret") == "true" {
			name += "` `" + name + "_FILE"
		}
		value := f.Tag.Get("envDefault")
		if value != "" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, value, f.Tag.Get("desc"))
	}
	return b.String()
}

// isSecret reports whether a setting may also come from a file.
func isSecret(t reflect.Type, name string) bool {
	for _, f := range settingFields(t) {
		if f.Tag.Get("env") == name {
			return f.Tag.Get("secret") == "true"
		}
	}
	return false
}

// settingFields are the fields of settings, those of structs within them included, in
// order.
func settingFields(t reflect.Type) []reflect.StructField {
	var list []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Struct && f.Tag.Get("env") == "" {
			list = append(list, settingFields(f.Type)...)
		} else {
			list = append(list, f)
		}
	}
	return list
}
