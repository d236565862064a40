package uploads

import (
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// sniffLength is how many bytes of a file tell what it is.
const sniffLength = 3072

// inlineTypes are what pages show in place, and what the first bytes of such a
// file may look like: a container is not always of the kind that its name says.
// Everything else is handed out as a file to be saved. SVG is no picture here: it
// is a document with scripts.
var inlineTypes = map[string][]string{
	"image/png":  {"image/png", "image/vnd.mozilla.apng"},
	"image/jpeg": {"image/jpeg"},
	"image/gif":  {"image/gif"},
	"image/webp": {"image/webp"},
	"image/avif": {"image/avif"},
	"audio/mpeg": {"audio/mpeg"},
	"audio/ogg":  {"audio/ogg", "application/ogg"},
	"audio/wav":  {"audio/wav"},
	"audio/mp4":  {"audio/mp4", "audio/x-m4a", "video/mp4"},
	"audio/webm": {"audio/webm", "video/webm"},
	"video/mp4":  {"video/mp4", "audio/mp4", "video/x-m4v"},
	"video/webm": {"video/webm", "audio/webm"},
}

// otherNames are what clients call the same types.
var otherNames = map[string]string{
	"image/jpg": "image/jpeg", "image/apng": "image/png",
	"audio/mp3": "audio/mpeg", "audio/x-mp3": "audio/mpeg", "audio/x-mpeg": "audio/mpeg",
	"audio/opus": "audio/ogg", "application/ogg": "audio/ogg", "audio/x-opus+ogg": "audio/ogg", "audio/vorbis": "audio/ogg",
	"audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav",
	"audio/m4a": "audio/mp4", "audio/x-m4a": "audio/mp4", "audio/aac-mp4": "audio/mp4",
	"video/x-m4v": "video/mp4",
}

// endings tell the type of a file whose client does not.
var endings = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".m4a": "audio/mp4",
	".mp4": "video/mp4", ".webm": "video/webm",
}

// inlineType returns the media type under which pages may show a file in place,
// or "": both what the client says it is and what its first bytes are must be in
// the list, and agree.
func inlineType(claimed, name string, head []byte) string {
	if claimed == "" || claimed == "application/octet-stream" {
		claimed = endings[strings.ToLower(path.Ext(name))]
	}
	if usual := otherNames[claimed]; usual != "" {
		claimed = usual
	}
	found := mimetype.Detect(head)
	for _, looksLike := range inlineTypes[claimed] {
		if found.Is(looksLike) {
			return claimed
		}
	}
	return ""
}

// plainMediaType is a media type without its parameters, in lower case; empty
// for what is none.
func plainMediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	s = strings.ToLower(strings.TrimSpace(s))
	kind, sub, ok := strings.Cut(s, "/")
	if !ok || len(s) > 127 || !isToken(kind) || !isToken(sub) {
		return ""
	}
	return s
}

// isToken: RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
