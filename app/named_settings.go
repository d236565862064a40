package app

import (
	"maps"
	"reflect"
	"strings"
)

// Settings of which there may be several, each with a name of its own: PREFIX_PROVIDERS lists
// the names, and PREFIX_NAME_ISSUER is the ISSUER of one of them.

// namedPrefix is what the settings of one of them begin with.
func namedPrefix(prefix, name string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
}

// readNamed reads the settings of each of names, in that order, into a struct with env tags
// like Config's, without the prefix. Secrets may stand in files, as everywhere.
func readNamed[T any](prefix string, names []string, environ map[string]string) ([]T, error) {
	list := make([]T, len(names))
	for i, name := range names {
		if err := readPrefixed(&list[i], namedPrefix(prefix, name), maps.Clone(environ)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// namedSettingsTable is the part of SettingsTable about them, as for one called NAME.
func namedSettingsTable(prefix string, t reflect.Type) string {
	return settingsRows(t, namedPrefix(prefix, "NAME"))
}
