-- Who acts, what they may do, and the chain of everything they changed.

CREATE TABLE people (
    name VARCHAR PRIMARY KEY,
    uid INTEGER,
    roles VARCHAR NOT NULL,
    is_owner BOOLEAN NOT NULL,
    granted_by VARCHAR NOT NULL,
    granted_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP
);

CREATE TABLE ledger (
    seq BIGINT PRIMARY KEY,
    "at" TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    summary VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    previous_hash VARCHAR NOT NULL,
    hash VARCHAR NOT NULL
);

CREATE SEQUENCE approval_ids;

CREATE TABLE approvals (
    id BIGINT PRIMARY KEY DEFAULT nextval('approval_ids'),
    action VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    requested_by VARCHAR NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    needs_role VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    decided_by VARCHAR NOT NULL,
    decided_at TIMESTAMP
);
