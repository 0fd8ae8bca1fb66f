-- What was raised, and everything that happened to it.

CREATE SEQUENCE alert_ids;

CREATE TABLE alerts (
    id BIGINT PRIMARY KEY,
    rule VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    endpoint VARCHAR NOT NULL,
    "column" VARCHAR NOT NULL,
    version INTEGER,
    state VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    value DOUBLE,
    "limit" DOUBLE,
    result VARCHAR NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP,
    acknowledged_by VARCHAR NOT NULL,
    silenced_until TIMESTAMP,
    note VARCHAR NOT NULL,
    occurrence_count BIGINT NOT NULL
);

CREATE TABLE alert_events (
    alert_id BIGINT NOT NULL,
    "at" TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,
    "by" VARCHAR NOT NULL,
    text VARCHAR NOT NULL
);
