-- name: list_endpoints
-- Every endpoint, by name.
SELECT name, model, host, port, state, desired, routes, generation, served_generation, pid,
    pid_started_at, boot_id, started_at, state_since, reason, limits, threads,
    latency_limit_ms, created_at, created_by
FROM endpoints
ORDER BY name;

-- name: get_endpoint
-- One endpoint.
SELECT name, model, host, port, state, desired, routes, generation, served_generation, pid,
    pid_started_at, boot_id, started_at, state_since, reason, limits, threads,
    latency_limit_ms, created_at, created_by
FROM endpoints
WHERE name = $name;

-- name: create_endpoint
-- Adds an endpoint at its first start.
INSERT INTO endpoints (name, model, host, port, state, desired, routes, generation,
    served_generation, pid, pid_started_at, boot_id, started_at, state_since, reason, limits, threads,
    latency_limit_ms, created_at, created_by)
VALUES ($name, $model, $host, $port, $state, $desired, $routes, $generation, $served_generation,
    $pid, $pid_started_at, $boot_id, $started_at, $state_since, $reason, $limits,
    $threads, $latency_limit_ms, $created_at, $created_by);

-- name: set_endpoint_started
-- Somebody wants it to serve these routes at this address.
UPDATE endpoints
SET model = $model,
    host = $host,
    port = $port,
    state = 'starting',
    desired = 'started',
    routes = $routes,
    generation = $generation,
    limits = $limits,
    threads = $threads,
    latency_limit_ms = $latency_limit_ms,
    started_at = $at,
    state_since = $at,
    reason = ''
WHERE name = $name;

-- name: set_endpoint_desired
-- Somebody wants it to stop, or to go on.
UPDATE endpoints
SET desired = $desired
WHERE name = $name;

-- name: set_endpoint_routes
-- Other versions, shares or thresholds under the next generation.
UPDATE endpoints
SET routes = $routes,
    generation = $generation
WHERE name = $name;

-- name: set_endpoint_state
-- What its process is doing, since when and why.
UPDATE endpoints
SET state_since = if(state = $state, state_since, $at),
    state = $state,
    reason = $reason
WHERE name = $name
    AND (state <> $state OR reason <> $reason);

-- name: set_endpoint_served
-- The process confirms the generation it serves.
UPDATE endpoints
SET served_generation = $generation
WHERE name = $name;

-- name: set_endpoint_process
-- The process that serves it, for certain; NULL when there is none.
UPDATE endpoints
SET pid = $pid,
    pid_started_at = $pid_started_at,
    boot_id = $boot_id
WHERE name = $name;

-- name: set_endpoint_limits
-- Other declared limits, under the next generation.
UPDATE endpoints
SET limits = $limits,
    latency_limit_ms = $latency_limit_ms,
    generation = $generation
WHERE name = $name;

-- name: list_endpoint_changes
-- What people did to an endpoint or its model in a window, oldest first, for lines in charts.
SELECT seq, "at", actor, action, subject, summary, command, detail, previous_hash, hash
FROM ledger
WHERE "at" >= $since
    AND (subject = 'endpoint ' || $endpoint OR starts_with(subject, $model || '@'))
    AND action IN ('endpoint.start', 'endpoint.stop', 'endpoint.traffic', 'model.promote',
        'model.rollback', 'threshold.set')
ORDER BY seq
LIMIT 50;

-- name: add_gauge
-- How full an endpoint is right now.
INSERT INTO gauges (endpoint, "at", in_flight, queue_wait, cpu, memory, event_loop, disk,
    rss_bytes, dropped_count)
VALUES ($endpoint, $at, $in_flight, $queue_wait, $cpu, $memory, $event_loop, $disk, $rss_bytes,
    $dropped_count);

-- name: list_gauges
-- How full an endpoint was, oldest first.
SELECT "at", in_flight, queue_wait, cpu, memory, event_loop, disk, rss_bytes, dropped_count
FROM gauges
WHERE endpoint = $endpoint
    AND "at" >= $since
ORDER BY "at";

-- name: get_last_gauge
-- The newest reading of an endpoint, if it is not older than asked for.
SELECT "at", in_flight, queue_wait, cpu, memory, event_loop, disk, rss_bytes, dropped_count
FROM gauges
WHERE endpoint = $endpoint
    AND "at" >= $since
ORDER BY "at" DESC
LIMIT 1;

-- name: delete_gauges_before
-- Readings nobody looks at any more.
DELETE FROM gauges
WHERE "at" < $until;
