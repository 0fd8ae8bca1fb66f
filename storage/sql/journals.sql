-- name: list_journal_offsets
-- How far each segment of one source was read.
SELECT segment, offset_bytes, done, bad_count
FROM journal_offsets
WHERE source = $source
ORDER BY segment;

-- name: get_journal_offset
-- How far one segment was counted.
SELECT offset_bytes
FROM journal_offsets
WHERE source = $source
    AND segment = $segment;

-- name: set_journal_offset
-- Moves the offset of a segment, in the transaction that applies what was read.
INSERT INTO journal_offsets (source, segment, offset_bytes, done, bad_count, updated_at)
VALUES ($source, $segment, $offset_bytes, $done, $bad_count, $updated_at)
ON CONFLICT (source, segment) DO UPDATE
SET offset_bytes = excluded.offset_bytes,
    done = excluded.done,
    bad_count = excluded.bad_count,
    updated_at = excluded.updated_at;
