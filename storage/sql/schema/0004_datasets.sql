-- Named tables, their immutable versions, the names people give to versions, and known diffs.

CREATE TABLE datasets (
    name VARCHAR PRIMARY KEY,
    note VARCHAR NOT NULL,
    key_columns VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL
);

CREATE TABLE dataset_versions (
    dataset VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    parent INTEGER,
    rows BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    added_bytes BIGINT NOT NULL,
    columns VARCHAR NOT NULL,
    manifest VARCHAR NOT NULL,
    profile VARCHAR NOT NULL,
    delivery_profile VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    source_facts VARCHAR NOT NULL,
    contract VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL,
    warning_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    results VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    job_id BIGINT,
    created_at TIMESTAMP NOT NULL,
    created_by VARCHAR NOT NULL,
    PRIMARY KEY (dataset, version)
);

CREATE TABLE dataset_tags (
    dataset VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    set_at TIMESTAMP NOT NULL,
    set_by VARCHAR NOT NULL,
    PRIMARY KEY (dataset, tag)
);

-- A diff depends on nothing but the two contents and the key it was made with.
CREATE TABLE dataset_diffs (
    before_digest VARCHAR NOT NULL,
    after_digest VARCHAR NOT NULL,
    key_columns VARCHAR NOT NULL,
    object VARCHAR NOT NULL,
    computed_at TIMESTAMP NOT NULL
);
