// Package views holds the html templates.
package views

import "embed"

// FS is the templates.
//
//go:embed *.html layouts/*.html
var FS embed.FS
