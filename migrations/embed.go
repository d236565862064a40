// Package migrations holds the database's schema as numbered SQL files, in
// goose's format.
package migrations

import "embed"

// FS is the files.
//
//go:embed *.sql
var FS embed.FS
