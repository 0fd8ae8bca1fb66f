-- name: list_ledger
-- Newest first, for the action log and the people screen.
SELECT seq, "at", actor, action, subject, summary, command, detail, previous_hash, hash
FROM ledger
WHERE ($before = 0 OR seq < $before)
    AND ($subject = '' OR starts_with(subject, $subject))
ORDER BY seq DESC
LIMIT $limit;

-- name: list_ledger_from
-- Oldest first from one entry on, to walk the chain.
SELECT seq, "at", actor, action, subject, summary, command, detail, previous_hash, hash
FROM ledger
WHERE seq > $after
ORDER BY seq
LIMIT 10000;

-- name: get_last_ledger_entry
-- The end of the chain.
SELECT seq, "at", actor, action, subject, summary, command, detail, previous_hash, hash
FROM ledger
ORDER BY seq DESC
LIMIT 1;

-- name: record_ledger_entry
-- Adds one link; nothing ever changes or removes one.
INSERT INTO ledger (seq, "at", actor, action, subject, summary, command, detail, previous_hash, hash)
VALUES ($seq, $at, $actor, $action, $subject, $summary, $command, $detail, $previous_hash, $hash);
