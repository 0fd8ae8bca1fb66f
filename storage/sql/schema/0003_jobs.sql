-- Scheduled executions. Runs share the sequence, so a training's run has the number of its job.

CREATE SEQUENCE job_ids;

CREATE TABLE jobs (
    id BIGINT PRIMARY KEY,
    kind VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    spec VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    priority INTEGER NOT NULL,
    after VARCHAR NOT NULL,
    retry_of BIGINT,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    pid INTEGER,
    pid_started_at DOUBLE,
    boot_id VARCHAR NOT NULL,
    exit_code INTEGER,
    signal INTEGER,
    reason VARCHAR NOT NULL,
    progress VARCHAR NOT NULL,
    cpu_ratio DOUBLE,
    rss_bytes BIGINT,
    peak_rss_bytes BIGINT,
    result VARCHAR NOT NULL,
    cancel_requested_by VARCHAR NOT NULL
);
