-- +goose Up
SET LOCAL statement_timeout = 0; -- the whole archive is read

-- What is searched is what people wrote themselves: not the copy of what they answer, which stands
-- before an answer for apps that know no answers (XEP-0461 §3.1, XEP-0428). Only answers are written.
UPDATE archive a SET body = left(a.body, q.start) || substr(a.body, q.stop + 1)
FROM (
	SELECT owner, id, substring(part[1] FROM '\mstart=["'']([0-9]{1,6})["'']')::int AS start, substring(part[1] FROM '\mend=["'']([0-9]{1,6})["'']')::int AS stop
	FROM archive, regexp_match(convert_from(stanza, 'UTF8'), '<fallback\M[^>]*\mfor=["'']urn:xmpp:reply:0["''][^>]*>\s*<body\M([^>]*)>') part
	WHERE body LIKE '> %'
) q
WHERE a.owner = q.owner AND a.id = q.id AND q.start <= q.stop AND q.stop <= char_length(a.body);

-- +goose Down
SELECT 1; -- what a message answers is in its stanza
