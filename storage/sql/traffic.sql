-- name: add_requests
-- Stores a batch of requests; count_requests of the same batch belongs into the transaction.
INSERT INTO requests (request_id, endpoint, "at", version, outcome, status, latency_ms, queue_ms,
    score, decision, is_shadow, features)
SELECT unnest($request_id), unnest($endpoint), unnest($at), unnest($version), unnest($outcome),
    unnest($status), unnest($latency_ms), unnest($queue_ms),
    unnest(CAST($score AS DOUBLE[])), unnest(CAST($decision AS BOOLEAN[])),
    unnest($is_shadow), unnest($features);

-- name: count_requests
-- Counts a batch. The log buckets are those of DDSketch with a relative error of 1 %: bucket k ends
-- at gamma^k milliseconds, gamma = 1.01 / 0.99, none below 0.01 ms (Masson, Rim and Lee 2019).
INSERT INTO counts_fresh ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
WITH batch AS (
    SELECT unnest($endpoint) AS endpoint, unnest($at) AS "at", unnest($version) AS version,
        unnest($outcome) AS outcome, unnest($latency_ms) AS latency_ms,
        unnest($queue_ms) AS queue_ms, unnest(CAST($score AS DOUBLE[])) AS score,
        unnest(CAST($decision AS BOOLEAN[])) AS decision, unnest($is_shadow) AS is_shadow
),
bucketed AS (
    SELECT time_bucket(INTERVAL 10 SECOND, CAST(b."at" AS TIMESTAMP)) AS "at", b.endpoint,
        b.version, b.is_shadow, b.outcome, b.latency_ms, b.queue_ms, b.score,
        CASE WHEN b.decision THEN 'yes' WHEN NOT b.decision THEN 'no' END AS decision,
        b.latency_ms <= e.latency_limit_ms AS is_within
    FROM batch b
    LEFT JOIN endpoints e ON e.name = b.endpoint
),
measured AS (
    SELECT "at", endpoint, version, is_shadow, 'asked' AS measure, outcome, 0 AS k,
        latency_ms AS total
    FROM bucketed
    UNION ALL
    SELECT "at", endpoint, version, is_shadow, 'latency', '',
        CAST(ceil(ln(greatest(latency_ms, 0.01)) / ln(1.01 / 0.99)) AS INTEGER), 0.0
    FROM bucketed
    WHERE outcome IN ('ok', 'timeout', 'error')
    UNION ALL
    SELECT "at", endpoint, version, is_shadow, 'queue', '',
        CAST(ceil(ln(greatest(queue_ms, 0.01)) / ln(1.01 / 0.99)) AS INTEGER), 0.0
    FROM bucketed
    WHERE outcome IN ('ok', 'timeout', 'error')
    UNION ALL
    SELECT "at", endpoint, version, is_shadow, 'within', '', 0, 0.0
    FROM bucketed
    WHERE is_within
        AND outcome = 'ok'
    UNION ALL
    SELECT "at", endpoint, version, is_shadow, 'decision', decision, 0, 0.0
    FROM bucketed
    WHERE decision IS NOT NULL
    UNION ALL
    SELECT "at", endpoint, version, is_shadow, 'score', decision,
        CAST(floor(least(greatest(score, 0.0), 1.0) * 4096) AS INTEGER), 0.0
    FROM bucketed
    WHERE decision IS NOT NULL
        AND isfinite(score)
)
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, count(*), sum(total)
FROM measured
GROUP BY "at", endpoint, version, is_shadow, measure, outcome, k;

-- name: gather_fresh_counts
-- Sums buckets that are over: many small batches made many small rows.
INSERT INTO counts_10s ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, sum(n), sum(total)
FROM counts_fresh
WHERE "at" < $until
GROUP BY "at", endpoint, version, is_shadow, measure, outcome, k
ORDER BY "at", endpoint, measure, k;

-- name: clear_fresh_counts
-- What was gathered; in the transaction of gather_fresh_counts.
DELETE FROM counts_fresh
WHERE "at" < $until;

-- name: coarsen_to_minutes
-- Adds counts of whole minutes for buckets before a time.
INSERT INTO counts_1m ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
SELECT time_bucket(INTERVAL 1 MINUTE, "at") AS "at", endpoint, version, is_shadow, measure, outcome,
    k, sum(n), sum(total)
FROM counts_10s
WHERE "at" < $until
GROUP BY ALL
ORDER BY 1, endpoint, measure, k;

-- name: clear_fine_counts
-- What was added to minutes; in the transaction of coarsen_to_minutes.
DELETE FROM counts_10s
WHERE "at" < $until;

-- name: coarsen_to_hours
-- Adds counts of whole hours for buckets before a time.
INSERT INTO counts_1h ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
SELECT time_bucket(INTERVAL 1 HOUR, "at") AS "at", endpoint, version, is_shadow, measure, outcome,
    k, sum(n), sum(total)
FROM counts_1m
WHERE "at" < $until
GROUP BY ALL
ORDER BY 1, endpoint, measure, k;

-- name: clear_minute_counts
-- What was added to hours; in the transaction of coarsen_to_hours.
DELETE FROM counts_1m
WHERE "at" < $until;

-- name: list_request_days
-- Days before a moment that raw requests are kept of; the mark changes with what they are.
SELECT CAST("at" AS DATE) AS day,
    count(*) AS rows,
    bit_xor(hash(request_id, endpoint, "at", version)) AS mark
FROM requests
WHERE "at" < $until
GROUP BY day
ORDER BY day;

-- name: copy_requests
-- The raw requests of a day with their current label, to a Parquet file.
COPY (
    SELECT r.request_id, r.endpoint, r."at", r.version, r.outcome, r.status, r.latency_ms,
        r.queue_ms, r.score, r.decision, r.is_shadow, r.features, l.label,
        l.received_at AS label_received_at
    FROM requests r
    LEFT JOIN labels l
        ON l.endpoint = r.endpoint
        AND l.request_id = r.request_id
        AND l.is_shadow = r.is_shadow
        AND l.is_current
    WHERE r."at" >= $day
        AND r."at" < $day + INTERVAL 1 DAY
        AND r."at" < $until
    ORDER BY r."at", r.request_id
) TO $path (FORMAT parquet, COMPRESSION zstd);

-- name: delete_requests_before
-- Raw requests past their retention; their counts stay.
DELETE FROM requests
WHERE "at" < $until;

-- name: delete_labels_before
-- Labels of requests past their retention; their counts stay.
DELETE FROM labels
WHERE predicted_at < $until;

-- name: delete_waiting_labels_before
-- Labels whose request never came.
DELETE FROM labels_arrived
WHERE received_at < $until;

-- name: delete_hours_before
-- Counts past their retention.
DELETE FROM counts_1h
WHERE "at" < $until;

-- name: list_requests
-- The newest requests of an endpoint, shadows left out.
SELECT request_id, endpoint, "at", version, outcome, status, latency_ms, queue_ms, score, decision,
    is_shadow, features
FROM requests
WHERE endpoint = $endpoint
    AND "at" >= $since
    AND NOT is_shadow
    AND ($outcome = '' OR outcome = $outcome)
ORDER BY "at" DESC
LIMIT $limit;

-- name: list_signals
-- Golden signals by bucket of time: outcomes, and the log buckets in which quantiles fall.
-- A quantile q of n values is the first bucket with more than q * (n - 1) values up to it. Sums of
-- counts are doubles here: exact up to 2^53, and sums of integers would be 128 bits wide and slow.
WITH counted AS (
    SELECT time_bucket(to_seconds($width_s), "at") AS "at", measure, outcome, k,
        CAST(sum(n) AS DOUBLE) AS n, sum(total) AS total
    FROM all_counts
    WHERE endpoint = $endpoint
        AND NOT is_shadow
        AND "at" >= $since
        AND "at" < $until
        AND measure IN ('asked', 'latency', 'queue', 'within', 'decision')
    GROUP BY ALL
),
ranked AS (
    SELECT "at", measure, outcome, k, n, total,
        sum(n) OVER (PARTITION BY "at", measure ORDER BY k) AS upto,
        sum(n) OVER (PARTITION BY "at", measure) - 1.0::DOUBLE AS last
    FROM counted
)
SELECT "at",
    CAST(coalesce(sum(n) FILTER (measure = 'asked'), 0) AS BIGINT) AS requests,
    CAST(coalesce(sum(n) FILTER (measure = 'asked' AND outcome = 'ok'), 0) AS BIGINT) AS ok,
    CAST(coalesce(sum(n) FILTER (measure = 'asked' AND outcome = 'invalid'), 0) AS BIGINT)
        AS invalid,
    CAST(coalesce(sum(n) FILTER (measure = 'asked' AND outcome = 'overload'), 0) AS BIGINT)
        AS overload,
    CAST(coalesce(sum(n) FILTER (measure = 'asked'
        AND outcome IN ('timeout', 'error', 'overload')), 0) AS BIGINT) AS failed,
    CAST(coalesce(sum(n) FILTER (measure = 'within'), 0) AS BIGINT) AS within,
    CAST(coalesce(sum(n) FILTER (measure = 'decision'), 0) AS BIGINT) AS decided,
    CAST(coalesce(sum(n) FILTER (measure = 'decision' AND outcome = 'yes'), 0) AS BIGINT)
        AS positive,
    coalesce(sum(total) FILTER (measure = 'asked'), 0.0) AS latency_total_ms,
    min(k) FILTER (measure = 'latency' AND upto > 0.50::DOUBLE * last) AS p50_k,
    min(k) FILTER (measure = 'latency' AND upto > 0.95::DOUBLE * last) AS p95_k,
    min(k) FILTER (measure = 'latency' AND upto > 0.99::DOUBLE * last) AS p99_k,
    min(k) FILTER (measure = 'queue' AND upto > 0.95::DOUBLE * last) AS queue_p95_k
FROM ranked
GROUP BY "at"
HAVING requests > 0
ORDER BY "at";

-- name: list_version_traffic
-- The same for each version over one window, shadows included.
WITH counted AS (
    SELECT version, is_shadow, measure, outcome, k, CAST(sum(n) AS DOUBLE) AS n
    FROM all_counts
    WHERE endpoint = $endpoint
        AND "at" >= $since
        AND "at" < $until
        AND measure IN ('asked', 'latency', 'decision')
    GROUP BY ALL
),
ranked AS (
    SELECT version, is_shadow, measure, outcome, k, n,
        sum(n) OVER (PARTITION BY version, is_shadow, measure ORDER BY k) AS upto,
        sum(n) OVER (PARTITION BY version, is_shadow, measure) - 1.0::DOUBLE AS last
    FROM counted
)
SELECT version, is_shadow,
    CAST(coalesce(sum(n) FILTER (measure = 'asked'), 0) AS BIGINT) AS requests,
    CAST(coalesce(sum(n) FILTER (measure = 'asked'
        AND outcome IN ('timeout', 'error', 'overload')), 0) AS BIGINT) AS failed,
    CAST(coalesce(sum(n) FILTER (measure = 'asked' AND outcome = 'invalid'), 0) AS BIGINT)
        AS invalid,
    CAST(coalesce(sum(n) FILTER (measure = 'decision'), 0) AS BIGINT) AS decided,
    CAST(coalesce(sum(n) FILTER (measure = 'decision' AND outcome = 'yes'), 0) AS BIGINT)
        AS positive,
    min(k) FILTER (measure = 'latency' AND upto > 0.50::DOUBLE * last) AS p50_k,
    min(k) FILTER (measure = 'latency' AND upto > 0.99::DOUBLE * last) AS p99_k
FROM ranked
GROUP BY version, is_shadow
HAVING requests > 0
ORDER BY is_shadow, requests DESC, version;

-- name: list_latency_counts
-- Log buckets of what was answered or should have been, over one window.
SELECT k, CAST(sum(n) AS BIGINT) AS n
FROM all_counts
WHERE endpoint = $endpoint
    AND NOT is_shadow
    AND "at" >= $since
    AND "at" < $until
    AND measure = 'latency'
GROUP BY k
ORDER BY k;

-- name: get_last_window_at
-- When the newest feature window began.
SELECT "at"
FROM feature_windows
WHERE endpoint = $endpoint
ORDER BY "at" DESC
LIMIT 1;

-- name: count_model_rows
-- Rows a model's version answered in the day before its newest bucket, and from when to when.
WITH answered AS (
    SELECT c."at", c.n
    FROM all_counts c
    JOIN endpoints e ON e.name = c.endpoint
    WHERE e.model = $model
        AND e.desired = 'started'
        AND c.version = $version
        AND NOT c.is_shadow
        AND c.measure = 'asked'
        AND c.outcome = 'ok'
)
SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS rows, min("at") AS first_at, max("at") AS last_at
FROM answered
WHERE "at" > (SELECT max("at") FROM answered) - INTERVAL 1 DAY;

-- name: count_all_requests
-- Everything an endpoint was ever asked, shadows left out.
SELECT CAST(coalesce(sum(n), 0) AS BIGINT)
FROM all_counts
WHERE endpoint = $endpoint
    AND NOT is_shadow
    AND measure = 'asked';

-- name: list_slo_counts
-- Good and bad requests since several moments at once, for burn rates.
WITH counted AS (
    SELECT "at", outcome, measure, sum(n) AS n
    FROM all_counts
    WHERE endpoint = $endpoint
        AND NOT is_shadow
        AND "at" >= $oldest
        AND measure IN ('asked', 'within')
    GROUP BY ALL
)
SELECT w.since,
    CAST(coalesce(sum(c.n) FILTER (c.measure = 'asked' AND c.outcome <> 'invalid'), 0) AS BIGINT)
        AS asked,
    CAST(coalesce(sum(c.n) FILTER (c.measure = 'asked' AND c.outcome = 'ok'), 0) AS BIGINT)
        AS answered,
    CAST(coalesce(sum(c.n) FILTER (c.measure = 'within'), 0) AS BIGINT) AS within
FROM (SELECT unnest($since) AS since) w
LEFT JOIN counted c ON c."at" >= w.since
GROUP BY w.since
ORDER BY w.since;

-- name: add_labels
-- Truths as they arrive.
INSERT INTO labels_arrived (request_id, endpoint, label, event_at, received_at, revision, source)
SELECT unnest($request_id), unnest($endpoint), unnest($label),
    unnest(CAST($event_at AS TIMESTAMP[])), unnest($received_at), unnest($revision),
    unnest($source);

-- name: count_waiting_labels
-- Truths that have not met their request, by endpoint.
SELECT count(*)
FROM labels_arrived
WHERE $endpoint = ''
    OR endpoint = $endpoint;

-- name: settle_labels
-- Puts truths beside their predictions: the newest of that id (a replay may ask the same again).
INSERT INTO labels (request_id, endpoint, version, is_shadow, predicted_at, score, decision, label,
    event_at, received_at, revision, source, settled_at, is_current)
WITH matched AS (
    SELECT r.request_id, r.endpoint, r.version, r.is_shadow, r."at" AS predicted_at, r.score,
        r.decision, a.label, a.event_at, a.received_at, a.revision, a.source
    FROM labels_arrived a
    JOIN requests r ON r.request_id = a.request_id AND r.endpoint = a.endpoint
    WHERE r."at" <= a.received_at
        AND r."at" >= $since
        AND r.outcome = 'ok'
        AND a.received_at <= $until
    QUALIFY row_number() OVER (
        PARTITION BY a.endpoint, a.request_id, r.is_shadow
        ORDER BY r."at" DESC, a.revision DESC, a.received_at) = 1
)
SELECT m.request_id, m.endpoint, m.version, m.is_shadow, m.predicted_at, m.score, m.decision,
    m.label, m.event_at, m.received_at, m.revision, m.source, CAST($settled_at AS TIMESTAMP), true
FROM matched m
WHERE NOT EXISTS (
    SELECT 1
    FROM labels l
    WHERE l.request_id = m.request_id
        AND l.predicted_at = m.predicted_at
        AND l.endpoint = m.endpoint
        AND l.is_shadow = m.is_shadow
        AND l.revision >= m.revision);

-- name: count_settled_labels
-- What the truths settled just now say about the predictions, at the time of the prediction.
INSERT INTO counts_fresh ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'label' AS measure,
    CASE
        WHEN decision AND label >= 0.5 THEN 'tp'
        WHEN decision THEN 'fp'
        WHEN label >= 0.5 THEN 'fn'
        ELSE 'tn'
    END AS outcome, 0 AS k, count(*), 0.0
FROM labels
WHERE settled_at = $settled_at
    AND decision IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'error', 'absolute', 0, count(*), sum(abs(score - label))
FROM labels
WHERE settled_at = $settled_at
    AND decision IS NULL
    AND score IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'error', 'squared', 0, count(*), sum((score - label) ** 2)
FROM labels
WHERE settled_at = $settled_at
    AND decision IS NULL
    AND score IS NOT NULL
GROUP BY ALL;

-- name: uncount_revised_labels
-- Takes back what an earlier revision had said.
INSERT INTO counts_fresh ("at", endpoint, version, is_shadow, measure, outcome, k, n, total)
WITH revised AS (
    SELECT o.predicted_at, o.endpoint, o.version, o.is_shadow, o.decision, o.score, o.label
    FROM labels o
    JOIN labels n ON n.request_id = o.request_id AND n.predicted_at = o.predicted_at
        AND n.endpoint = o.endpoint AND n.is_shadow = o.is_shadow
    WHERE n.settled_at = $settled_at
        AND n.revision > 1
        AND o.settled_at < $settled_at
        AND o.is_current
)
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'label' AS measure,
    CASE
        WHEN decision AND label >= 0.5 THEN 'tp'
        WHEN decision THEN 'fp'
        WHEN label >= 0.5 THEN 'fn'
        ELSE 'tn'
    END AS outcome, 0 AS k, -count(*), 0.0
FROM revised
WHERE decision IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'error', 'absolute', 0, -count(*), -sum(abs(score - label))
FROM revised
WHERE decision IS NULL
    AND score IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT time_bucket(INTERVAL 10 SECOND, predicted_at) AS "at", endpoint, version, is_shadow,
    'error', 'squared', 0, -count(*), -sum((score - label) ** 2)
FROM revised
WHERE decision IS NULL
    AND score IS NOT NULL
GROUP BY ALL;

-- name: retire_revised_labels
-- The earlier revision is history now.
UPDATE labels AS o
SET is_current = false
FROM labels n
WHERE n.settled_at = $settled_at
    AND n.revision > 1
    AND n.request_id = o.request_id
    AND n.predicted_at = o.predicted_at
    AND n.endpoint = o.endpoint
    AND n.is_shadow = o.is_shadow
    AND o.settled_at < $settled_at
    AND o.is_current;

-- name: clear_settled_labels
-- Truths that have met their request, now or as a repetition; the others go on waiting.
DELETE FROM labels_arrived
WHERE received_at <= $until
    AND EXISTS (
        SELECT 1
        FROM labels l
        WHERE l.request_id = labels_arrived.request_id
            AND l.endpoint = labels_arrived.endpoint
            AND l.predicted_at <= labels_arrived.received_at
            AND l.predicted_at >= $since
            AND l.revision >= labels_arrived.revision);

-- name: list_accuracy
-- By bucket of time of the prediction: how many there were and what labels say about them.
SELECT time_bucket(to_seconds($width_s), "at") AS "at",
    CAST(coalesce(sum(n) FILTER (measure = 'asked' AND outcome = 'ok'), 0) AS BIGINT) AS n,
    CAST(coalesce(sum(n) FILTER (measure = 'label' AND outcome = 'tp'), 0) AS BIGINT) AS tp,
    CAST(coalesce(sum(n) FILTER (measure = 'label' AND outcome = 'fp'), 0) AS BIGINT) AS fp,
    CAST(coalesce(sum(n) FILTER (measure = 'label' AND outcome = 'tn'), 0) AS BIGINT) AS tn,
    CAST(coalesce(sum(n) FILTER (measure = 'label' AND outcome = 'fn'), 0) AS BIGINT) AS fn,
    CAST(coalesce(sum(n) FILTER (measure = 'error' AND outcome = 'absolute'), 0) AS BIGINT)
        AS errors,
    coalesce(sum(total) FILTER (measure = 'error' AND outcome = 'absolute'), 0.0)
        AS absolute_total,
    coalesce(sum(total) FILTER (measure = 'error' AND outcome = 'squared'), 0.0) AS squared_total
FROM all_counts
WHERE endpoint = $endpoint
    AND NOT is_shadow
    AND ($version = 0 OR version = $version)
    AND "at" >= $since
    AND "at" < $until
    AND measure IN ('asked', 'label', 'error')
GROUP BY 1
HAVING n > 0
ORDER BY 1;

-- name: list_scores
-- Scores on the grid by bucket of time, version and decision, for estimates without labels.
SELECT time_bucket(to_seconds($width_s), "at") AS "at", version, outcome = 'yes' AS decision, k,
    CAST(sum(n) AS BIGINT) AS n
FROM all_counts
WHERE endpoint = $endpoint
    AND NOT is_shadow
    AND "at" >= $since
    AND "at" < $until
    AND measure = 'score'
GROUP BY ALL
ORDER BY 1, 2, 3, k;

-- name: list_labelled_scores
-- Labelled predictions of a version on the score grid: what other thresholds would have said.
SELECT CAST(floor(least(greatest(score, 0.0), 1.0) * 4096) AS INTEGER) AS k,
    count(*) FILTER (label >= 0.5) AS positives,
    count(*) FILTER (label < 0.5) AS negatives
FROM labels
WHERE endpoint = $endpoint
    AND version = $version
    AND predicted_at >= $since
    AND is_current
    AND NOT is_shadow
    AND decision IS NOT NULL
    AND score IS NOT NULL
GROUP BY k
ORDER BY k;

-- name: list_label_delays
-- Predictions of a window, newest last: how long their label took, or how long it is awaited.
SELECT CAST(epoch(coalesce(l.received_at, $now) - r."at") AS DOUBLE) AS age_s,
    l.received_at IS NOT NULL AS is_labelled
FROM (
    SELECT request_id, endpoint, "at"
    FROM requests
    WHERE endpoint = $endpoint
        AND "at" >= $since
        AND outcome = 'ok'
        AND NOT is_shadow
    ORDER BY "at" DESC
    LIMIT $limit
) r
LEFT JOIN labels l ON l.request_id = r.request_id AND l.endpoint = r.endpoint
    AND l.predicted_at = r."at" AND NOT l.is_shadow AND l.revision = 1
ORDER BY r."at";

-- name: add_feature_windows
-- Served feature values of one stretch of time, a row for each column.
INSERT INTO feature_windows ("at", width_s, endpoint, version, "column", row_count, counts)
SELECT unnest($at), unnest($width_s), unnest($endpoint), unnest($version), unnest($column),
    unnest($row_count), unnest(CAST($counts AS BIGINT[][]));

-- name: sum_feature_windows
-- Counts of one version's features over a window, bins in order.
WITH cells AS (
    SELECT "column", generate_subscripts(counts, 1) AS bin, unnest(counts) AS n
    FROM feature_windows
    WHERE endpoint = $endpoint
        AND version = $version
        AND "at" >= $since
        AND "at" < $until
),
summed AS (
    SELECT "column", bin, CAST(sum(n) AS BIGINT) AS n
    FROM cells
    GROUP BY ALL
),
sizes AS (
    SELECT "column", CAST(sum(row_count) AS BIGINT) AS row_count
    FROM feature_windows
    WHERE endpoint = $endpoint
        AND version = $version
        AND "at" >= $since
        AND "at" < $until
    GROUP BY "column"
)
SELECT s."column", z.row_count, list(s.n ORDER BY s.bin) AS counts
FROM summed s
JOIN sizes z ON z."column" = s."column"
GROUP BY s."column", z.row_count
ORDER BY s."column";

-- name: list_window_columns
-- Counts of one column by bucket of time, to draw how it moved.
WITH cells AS (
    SELECT time_bucket(to_seconds($width_s), "at") AS "at",
        generate_subscripts(counts, 1) AS bin, unnest(counts) AS n, row_count
    FROM feature_windows
    WHERE endpoint = $endpoint
        AND version = $version
        AND "column" = $column
        AND "at" >= $since
        AND "at" < $until
),
summed AS (
    SELECT "at", bin, CAST(sum(n) AS BIGINT) AS n
    FROM cells
    GROUP BY ALL
)
SELECT "at", list(n ORDER BY bin) AS counts
FROM summed
GROUP BY "at"
ORDER BY "at";

-- name: coarsen_feature_windows
-- Adds windows of whole hours for those before a time.
INSERT INTO feature_windows ("at", width_s, endpoint, version, "column", row_count, counts)
WITH cells AS (
    SELECT time_bucket(INTERVAL 1 HOUR, "at") AS "at", endpoint, version, "column",
        generate_subscripts(counts, 1) AS bin, unnest(counts) AS n
    FROM feature_windows
    WHERE "at" < $until
        AND width_s < 3600
),
summed AS (
    SELECT "at", endpoint, version, "column", bin, CAST(sum(n) AS BIGINT) AS n
    FROM cells
    GROUP BY ALL
),
sizes AS (
    SELECT time_bucket(INTERVAL 1 HOUR, "at") AS "at", endpoint, version, "column",
        CAST(sum(row_count) AS BIGINT) AS row_count
    FROM feature_windows
    WHERE "at" < $until
        AND width_s < 3600
    GROUP BY ALL
)
SELECT s."at", 3600.0, s.endpoint, s.version, s."column", z.row_count, list(s.n ORDER BY s.bin)
FROM summed s
JOIN sizes z ON z."at" = s."at" AND z.endpoint = s.endpoint AND z.version = s.version
    AND z."column" = s."column"
GROUP BY s."at", s.endpoint, s.version, s."column", z.row_count
ORDER BY s."at";

-- name: clear_fine_windows
-- What was added to hours; in the transaction of coarsen_feature_windows.
DELETE FROM feature_windows
WHERE "at" < $until
    AND width_s < 3600;

-- name: delete_windows_before
-- Windows past their retention.
DELETE FROM feature_windows
WHERE "at" < $until;
