// Package static holds what browsers fetch: styles, scripts, images, and what
// `make assets` brings (Converse in converse/, Turbo and Pico in lib/).
package static

import "embed"

// FS is the files.
//
//go:embed css js img converse lib
var FS embed.FS
