-- What the store needs for itself: who it is, how far journals were read, which writes were answered.

CREATE TABLE store_meta (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

CREATE TABLE journal_offsets (
    source VARCHAR NOT NULL,
    segment VARCHAR NOT NULL,
    offset_bytes BIGINT NOT NULL,
    done BOOLEAN NOT NULL,
    bad_count BIGINT NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (source, segment)
);

CREATE TABLE idempotency_keys (
    key VARCHAR PRIMARY KEY,
    route VARCHAR NOT NULL,
    response VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
