// Package referee plays transcripts of standard behaviour, unchanged, against
// the site itself and against a Prosody, if there is one on this machine. Where
// the two differ, the transcript says so and why, and docs/INTEROP.md has the
// list. It has tests only.
package referee
