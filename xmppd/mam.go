package xmppd

import (
	"context"

	"foyer/internal/stanza"
	"foyer/internal/stream"
	"foyer/xmppd/archive"
)

// Message archive management (XEP-0313) of accounts: everybody reads their own
// archive, which package archive keeps.

func mamHandlers() map[iqKey]iqHandler {
	query := stream.Name{Space: stanza.NSMAM, Local: "query"}
	metadata := stream.Name{Space: stanza.NSMAM, Local: "metadata"}
	prefs := stream.Name{Space: stanza.NSMAM, Local: "prefs"}
	return map[iqKey]iqHandler{
		{toSelf, "set", query}:       handleArchiveQuery,
		{toSelf, "get", query}:       handleArchiveForm,
		{toSelf, "get", metadata}:    handleArchiveMetadata,
		{toSelf, "get", prefs}:       handleArchivePrefs,
		{toSelf, "set", prefs}:       handleSetArchivePrefs,
		{toAccount, "set", query}:    refuseForeign, // XEP-0313 §8.1 (S-58)
		{toAccount, "get", query}:    refuseForeign,
		{toAccount, "get", metadata}: refuseForeign,
		{toAccount, "get", prefs}:    refuseForeign,
		{toAccount, "set", prefs}:    refuseForeign,
	}
}

func handleArchiveForm(context.Context, *session, *stream.Element, stream.Child) ([]byte, error) {
	return archive.Form(), nil
}

// handleArchiveMetadata tells the bounds of the archive (XEP-0313 §5, S-61).
func handleArchiveMetadata(ctx context.Context, s *session, _ *stream.Element, _ stream.Child) ([]byte, error) {
	return s.server.archive.Metadata(ctx, s.bare)
}

// handleArchiveQuery answers a query of the account's archive.
func handleArchiveQuery(ctx context.Context, s *session, _ *stream.Element, query stream.Child) ([]byte, error) {
	return s.server.archive.Answer(ctx, s, s.bare, query, nil)
}
