-- Endpoints, what passed through them, and what became of it.
--
-- A request is stored and counted in the transaction that reads it from the journal. Counts only
-- ever grow by adding rows and move on to coarser tables by being summed, so late events and revised
-- labels (negative counts) need no other rule, and a reader sums over all_counts without knowing how
-- old a bucket is: fresh (a minute, several rows a bucket), by 10 s, by minute, by hour.

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

-- measure   outcome              k                          total
-- asked     of the request       0                          sum of milliseconds until the answer
-- latency                        log bucket of latency_ms   (ok, timeout and error only)
-- queue                          log bucket of queue_ms     (ok, timeout and error only)
-- within                         0: answered within the limit
-- decision  yes, no              0
-- score     yes, no              floor(score * 4096)
-- label     tp, fp, tn, fn       0
-- error     absolute, squared    0                          sum of the errors (regression)
--
-- Refused requests are quick and would flatter the latency, so their time is not in its buckets.
CREATE TABLE counts_fresh (
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

CREATE VIEW all_counts AS
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_fresh
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_10s
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_1m
UNION ALL
SELECT "at", endpoint, version, is_shadow, measure, outcome, k, n, total
FROM counts_1h;

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
