-- name: count_own_tables
-- Whether a database was made by this program (1) or is somebody else's (0).
SELECT COUNT(*)
FROM information_schema.tables
WHERE table_schema = 'main'
    AND table_name = 'schema_migrations';

-- name: list_migrations
-- Which schema files the store has been through.
SELECT version, name, digest, applied_at
FROM schema_migrations
ORDER BY version;

-- name: record_migration
-- Notes a schema file as applied, in its own transaction.
INSERT INTO schema_migrations (version, name, digest, applied_at)
VALUES ($version, $name, $digest, $applied_at);

-- name: get_store_meta
-- One fact about the store itself.
SELECT value
FROM store_meta
WHERE name = $name;

-- name: set_store_meta
-- Keeps one fact about the store itself.
INSERT INTO store_meta (name, value)
VALUES ($name, $value)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value;

-- name: get_store_position
-- How often the store was opened and how many groups of writes it holds.
SELECT epoch, sequence
FROM store_position;

-- name: set_store_position
-- Moves the position; the last statement of every transaction.
UPDATE store_position
SET epoch = $epoch,
    sequence = $sequence;

-- name: list_text_columns
-- Every text column of every table as `table.column`.
SELECT c.table_name || '.' || c.column_name
FROM duckdb_columns() c
JOIN duckdb_tables() t ON t.table_oid = c.table_oid AND t.database_oid = c.database_oid
WHERE c.data_type LIKE 'VARCHAR%'
    AND NOT c.internal
ORDER BY 1;
