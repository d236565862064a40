// Package static holds what browsers fetch: styles, scripts, images, and what
// `make assets` brings (Converse in converse/, Turbo and Pico in lib/) and makes (bundle/).
package static

import "embed"

// FS is the files.
//
//go:embed css js img converse lib bundle
var FS embed.FS
