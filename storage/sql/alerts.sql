-- name: next_alert_id
-- Takes the next number.
SELECT nextval('alert_ids');

-- name: create_alert
-- Something was raised.
INSERT INTO alerts (id, rule, kind, endpoint, "column", version, state, severity, title, value,
    "limit", result, opened_at, changed_at, resolved_at, acknowledged_by, silenced_until, note,
    occurrence_count)
VALUES ($id, $rule, $kind, $endpoint, $column, $version, $state, $severity, $title, $value, $limit,
    $result, $opened_at, $changed_at, $resolved_at, $acknowledged_by, $silenced_until, $note,
    $occurrence_count);

-- name: get_alert
-- One alert.
SELECT id, rule, kind, endpoint, "column", version, state, severity, title, value, "limit", result,
    opened_at, changed_at, resolved_at, acknowledged_by, silenced_until, note, occurrence_count
FROM alerts
WHERE id = $id;

-- name: list_alerts
-- Firing first, then taken, silenced and resolved; newest first within. `open` = not resolved.
SELECT id, rule, kind, endpoint, "column", version, state, severity, title, value, "limit", result,
    opened_at, changed_at, resolved_at, acknowledged_by, silenced_until, note, occurrence_count
FROM alerts
WHERE ($state = '' OR state = $state OR ($state = 'open' AND state <> 'resolved'))
    AND ($endpoint = '' OR endpoint = $endpoint)
ORDER BY
    CASE state WHEN 'firing' THEN 0 WHEN 'acknowledged' THEN 1 WHEN 'silenced' THEN 2 ELSE 3 END,
    if(state = 'firing' AND severity = 'fail', 0, 1), opened_at DESC, id DESC
LIMIT $limit;

-- name: get_last_alert
-- The newest alert of one watched thing, whatever became of it.
SELECT id, rule, kind, endpoint, "column", version, state, severity, title, value, "limit", result,
    opened_at, changed_at, resolved_at, acknowledged_by, silenced_until, note, occurrence_count
FROM alerts
WHERE endpoint = $endpoint
    AND rule = $rule
    AND "column" = $column
ORDER BY id DESC
LIMIT 1;

-- name: set_alert_reading
-- It was found raised again, with these numbers.
UPDATE alerts
SET severity = $severity,
    title = $title,
    value = $value,
    result = $result,
    version = $version,
    occurrence_count = occurrence_count + 1
WHERE id = $id;

-- name: set_alert_state
-- It was taken, silenced, woken or resolved.
UPDATE alerts
SET state = $state,
    changed_at = $at,
    resolved_at = if($state = 'resolved', CAST($at AS TIMESTAMP), NULL),
    acknowledged_by = $acknowledged_by,
    silenced_until = $silenced_until,
    note = $note
WHERE id = $id;

-- name: add_alert_event
-- One line of an alert's history.
INSERT INTO alert_events (alert_id, "at", state, "by", text)
VALUES ($alert_id, $at, $state, $by, $text);

-- name: list_alert_events
-- The history of an alert, newest first.
SELECT alert_id, "at", state, "by", text
FROM alert_events
WHERE alert_id = $alert_id
ORDER BY "at" DESC
LIMIT 200;

-- name: count_recent_alert_changes
-- How often one watched thing changed since a moment, to notice flapping.
SELECT count(*)
FROM alert_events e
JOIN alerts a ON a.id = e.alert_id
WHERE a.endpoint = $endpoint
    AND a.rule = $rule
    AND a."column" = $column
    AND e."at" >= $since
    AND e.state IN ('firing', 'resolved');
