-- What trainings used and measured. A training's run has the number of its job.

CREATE SEQUENCE run_revisions;

CREATE TABLE runs (
    id BIGINT PRIMARY KEY,
    job_id BIGINT NOT NULL,
    parent_id BIGINT,
    pipeline VARCHAR NOT NULL,
    pipeline_digest VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    params VARCHAR NOT NULL,
    seed BIGINT NOT NULL,
    data VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    environment VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    duration_s DOUBLE,
    peak_rss_bytes BIGINT,
    rows_train BIGINT NOT NULL,
    rows_holdout BIGINT NOT NULL,
    holdout VARCHAR NOT NULL,
    metrics VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    tags VARCHAR NOT NULL,
    created_by VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    -- Grows with every change, so that a reader who keeps the runs fetches only what is new.
    revision BIGINT NOT NULL
);

-- Candidates of a search: which run the n-th one of a job is.
CREATE TABLE run_trials (
    job_id BIGINT NOT NULL,
    trial INTEGER NOT NULL,
    run_id BIGINT NOT NULL
);

CREATE TABLE run_results (
    run_id BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    results VARCHAR NOT NULL
);

-- No index: rows come in the order of their runs, and DuckDB skips whole blocks by their ranges.
CREATE TABLE run_points (
    run_id BIGINT NOT NULL,
    metric VARCHAR NOT NULL,
    step BIGINT NOT NULL,
    value DOUBLE NOT NULL,
    "at" TIMESTAMP NOT NULL
);

CREATE TABLE run_artifacts (
    run_id BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    bytes BIGINT NOT NULL
);
