-- What the store needs for itself: which store, how far written, what shape, how far journals
-- were read, which writes were answered.

CREATE TABLE schema_migrations (
    version INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    applied_at TIMESTAMP NOT NULL
);

CREATE TABLE store_meta (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

-- One row, changed by every transaction; no index, so that the change is made in place.
CREATE TABLE store_position (
    epoch BIGINT NOT NULL,
    sequence BIGINT NOT NULL
);

INSERT INTO store_position (epoch, sequence) VALUES (0, 0);

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
