-- Registered models, their immutable versions, where their aliases point, and how they were judged.

CREATE TABLE models (
    name VARCHAR PRIMARY KEY,
    description VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL
);

CREATE TABLE model_versions (
    model VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    run_id BIGINT,
    data VARCHAR NOT NULL,
    metrics VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    first_threshold DOUBLE NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    PRIMARY KEY (model, version)
);

CREATE TABLE alias_changes (
    model VARCHAR NOT NULL,
    alias VARCHAR NOT NULL,
    version INTEGER,
    previous INTEGER,
    "at" TIMESTAMP NOT NULL,
    "by" VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    is_override BOOLEAN NOT NULL,
    is_rollback BOOLEAN NOT NULL
);

CREATE TABLE threshold_changes (
    model VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    value DOUBLE NOT NULL,
    previous DOUBLE,
    "at" TIMESTAMP NOT NULL,
    "by" VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    figures VARCHAR NOT NULL
);

-- Every judgement is kept; the newest of a version is the one that counts.
CREATE TABLE gate_reports (
    model VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    judged_at TIMESTAMP NOT NULL,
    verdict VARCHAR NOT NULL,
    report VARCHAR NOT NULL
);
