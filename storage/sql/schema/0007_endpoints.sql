-- Endpoints, what passed through them, and what became of it.
--
-- A request is stored when it arrives and counted a moment later: counting moves it from
-- requests_arrived to requests and adds its counts, all in one transaction. Counts only ever grow
-- by adding rows, so late events, revised labels (negative counts) and coarser buckets need no
-- other rule, and every reader sums over all_counts without knowing how old a bucket is.

CREATE TABLE endpoints (
    name VARCHAR PRIMARY KEY,
    model VARCHAR NOT NULL,
    host VARCHAR NOT NULL,
    port INTEGER NOT NULL,
    state VARCHAR NOT NULL,
    desired VARCHAR NOT NULL,
    routes VARCHAR NOT NULL,
    generation INTEGER NOT NULL,
    served_generation INTEGER NOT NULL,
    pid INTEGER,
    pid_started_at DOUBLE,
    boot_id VARCHAR NOT NULL,
    started_at TIMESTAMP,
    state_since TIMESTAMP,
    reason VARCHAR NOT NULL,
    limits VARCHAR NOT NULL,
    threads INTEGER NOT NULL,
    latency_limit_ms DOUBLE NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL
);

-- No index on requests: a primary key triples what a commit costs, and labels find their requests
-- by a join over the stretch of time they can belong to.
CREATE TABLE requests_arrived (
    request_id VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    "at" TIMESTAMP NOT NULL,
    version INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    status INTEGER NOT NULL,
    latency_ms DOUBLE NOT NULL,
    queue_ms DOUBLE NOT NULL,
    score DOUBLE,
    decision BOOLEAN,
    is_shadow BOOLEAN NOT NULL,
    features VARCHAR NOT NULL
);

CREATE TABLE requests (
    request_id VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    "at" TIMESTAMP NOT NULL,
    version INTEGER NOT NULL,
    outcome VARCHAR NOT NULL,
    status INTEGER NOT NULL,
    latency_ms DOUBLE NOT NULL,
    queue_ms DOUBLE NOT NULL,
    score DOUBLE,
    decision BOOLEAN,
    is_shadow BOOLEAN NOT NULL,
    features VARCHAR NOT NULL
);

CREATE VIEW all_requests AS
SELECT request_id, endpoint, "at", version, outcome, status, latency_ms, queue_ms, score, decision,
    is_shadow, features
FROM requests
UNION ALL
SELECT request_id, endpoint, "at", version, outcome, status, latency_ms, queue_ms, score, decision,
    is_shadow, features
FROM requests_arrived;

-- measure   outcome              k                          total
-- latency   of the request       log bucket of latency_ms   sum of milliseconds
-- queue     of the request       log bucket of queue_ms     sum of milliseconds
-- within    of the request       0: answered within the limit
-- decision  yes, no              0
-- score     yes, no              floor(score * 4096)
-- label     tp, fp, tn, fn       0
-- error     absolute, squared    0                          sum of the errors (regression)
CREATE TABLE counts_10s (
    "at" TIMESTAMP NOT NULL,
    endpoint VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    is_shadow BOOLEAN NOT NULL,
    measure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    k INTEGER NOT NULL,
    n BIGINT NOT NULL,
    total DOUBLE NOT NULL
);

CREATE TABLE counts_1m (
    "at" TIMESTAMP NOT NULL,
    endpoint VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    is_shadow BOOLEAN NOT NULL,
    measure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    k INTEGER NOT NULL,
    n BIGINT NOT NULL,
    total DOUBLE NOT NULL
);

CREATE TABLE counts_1h (
    "at" TIMESTAMP NOT NULL,
    endpoint VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    is_shadow BOOLEAN NOT NULL,
    measure VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    k INTEGER NOT NULL,
    n BIGINT NOT NULL,
    total DOUBLE NOT NULL
);

-- The log buckets are those of DDSketch with a relative error of 1 %: bucket k ends at gamma^k
-- milliseconds, gamma = 1.01 / 0.99, nothing below 0.01 ms (Masson, Rim, Lee 2019).
CREATE VIEW arrived_counts AS
WITH arrived AS (
    SELECT time_bucket(INTERVAL 10 SECOND, r."at") AS "at", r.endpoint, r.version, r.is_shadow,
        r.outcome, r.latency_ms, r.queue_ms, r.score, r.decision,
        r.latency_ms <= e.latency_limit_ms AS is_within
    FROM requests_arrived r
    LEFT JOIN endpoints e ON e.name = r.endpoint
)
SELECT "at", endpoint, version, is_shadow, 'latency' AS measure, outcome,
    CAST(ceil(ln(greatest(latency_ms, 0.01)) / ln(1.01 / 0.99)) AS INTEGER) AS k,
    count(*) AS n, sum(latency_ms) AS total
FROM arrived
GROUP BY ALL
UNION ALL
SELECT "at", endpoint, version, is_shadow, 'queue', outcome,
    CAST(ceil(ln(greatest(queue_ms, 0.01)) / ln(1.01 / 0.99)) AS INTEGER) AS k,
    count(*), sum(queue_ms)
FROM arrived
GROUP BY ALL
UNION ALL
SELECT "at", endpoint, version, is_shadow, 'within', outcome, 0, count(*), 0.0
FROM arrived
WHERE is_within
GROUP BY ALL
UNION ALL
SELECT "at", endpoint, version, is_shadow, 'decision', if(decision, 'yes', 'no') AS outcome, 0,
    count(*), 0.0
FROM arrived
WHERE decision IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT "at", endpoint, version, is_shadow, 'score', if(decision, 'yes', 'no') AS outcome,
    CAST(floor(least(greatest(score, 0.0), 1.0) * 4096) AS INTEGER) AS k, count(*), 0.0
FROM arrived
WHERE decision IS NOT NULL
    AND isfinite(score)
GROUP BY ALL;

CREATE VIEW all_counts AS
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_10s
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_1m
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_1h
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM arrived_counts;

-- Truths that were told and have not met their request yet.
CREATE TABLE labels_arrived (
    request_id VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    label DOUBLE NOT NULL,
    event_at TIMESTAMP,
    received_at TIMESTAMP NOT NULL,
    revision INTEGER NOT NULL,
    source VARCHAR NOT NULL
);

-- Truths beside the prediction they belong to; of several revisions the highest is current.
CREATE TABLE labels (
    request_id VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    is_shadow BOOLEAN NOT NULL,
    predicted_at TIMESTAMP NOT NULL,
    score DOUBLE,
    decision BOOLEAN,
    label DOUBLE NOT NULL,
    event_at TIMESTAMP,
    received_at TIMESTAMP NOT NULL,
    revision INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    settled_at TIMESTAMP NOT NULL,
    is_current BOOLEAN NOT NULL
);

-- Served feature values on the bins of the model's profile; windows add by adding counts.
CREATE TABLE feature_windows (
    "at" TIMESTAMP NOT NULL,
    width_s DOUBLE NOT NULL,
    endpoint VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    "column" VARCHAR NOT NULL,
    row_count BIGINT NOT NULL,
    counts BIGINT[] NOT NULL
);

CREATE TABLE gauges (
    endpoint VARCHAR NOT NULL,
    "at" TIMESTAMP NOT NULL,
    in_flight DOUBLE NOT NULL,
    queue_wait DOUBLE NOT NULL,
    cpu DOUBLE NOT NULL,
    memory DOUBLE NOT NULL,
    event_loop DOUBLE NOT NULL,
    disk DOUBLE NOT NULL,
    rss_bytes BIGINT NOT NULL,
    dropped_count BIGINT NOT NULL
);
