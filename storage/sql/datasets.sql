-- name: list_datasets
-- Every dataset by name with a summary of its versions.
SELECT d.name, d.note, d.key_columns, d.created_at, d.created_by,
    coalesce(v.version_count, 0) AS version_count,
    v.latest_version,
    coalesce(v.latest_rows, 0) AS latest_rows,
    v.latest_at,
    coalesce(v.verdict, 'skipped') AS verdict,
    coalesce(v.rows_history, []) AS rows_history,
    coalesce(v.bytes, 0) AS bytes,
    coalesce(v.referenced_bytes, 0) AS referenced_bytes
FROM datasets d
LEFT JOIN (
    SELECT dataset,
        count(*) AS version_count,
        max(version) AS latest_version,
        arg_max(rows, version) AS latest_rows,
        arg_max(created_at, version) AS latest_at,
        arg_max(verdict, version) AS verdict,
        list(rows ORDER BY version)[-24:] AS rows_history,
        sum(added_bytes) AS bytes,
        sum(bytes) AS referenced_bytes
    FROM dataset_versions
    GROUP BY dataset
) v ON v.dataset = d.name
WHERE $name = '' OR d.name = $name
ORDER BY d.name;

-- name: create_dataset
-- Gives a table its name; once.
INSERT INTO datasets (name, note, key_columns, created_at, created_by)
VALUES ($name, $note, $key_columns, $created_at, $created_by)
ON CONFLICT (name) DO NOTHING;

-- name: set_dataset_key
-- The columns that identify a row, as the newest version was added with.
UPDATE datasets
SET key_columns = $key_columns
WHERE name = $name;

-- name: set_dataset_note
-- What the declaration says about the dataset.
UPDATE datasets
SET note = $note
WHERE name = $name;

-- name: next_dataset_version
-- The number the next version of a dataset gets.
SELECT coalesce(max(version), 0) + 1
FROM dataset_versions
WHERE dataset = $dataset;

-- name: create_dataset_version
-- Adds an immutable version.
INSERT INTO dataset_versions (dataset, version, digest, parent, rows, bytes, added_bytes, columns,
    manifest, profile, delivery_profile, source, source_facts, contract, verdict, warning_count,
    failure_count, results, note, job_id, created_at, created_by)
VALUES ($dataset, $version, $digest, $parent, $rows, $bytes, $added_bytes, $columns, $manifest,
    $profile, $delivery_profile, $source, $source_facts, $contract, $verdict, $warning_count,
    $failure_count, $results, $note, $job_id, $created_at, $created_by);

-- name: list_dataset_versions
-- Versions newest first, with their tags and what was made from them.
SELECT v.dataset, v.version, v.digest, v.parent, v.rows, v.bytes, v.added_bytes, v.columns,
    v.manifest, v.profile, v.delivery_profile, v.source, v.source_facts, v.contract, v.verdict,
    v.warning_count, v.failure_count, v.note,
    coalesce(
        (SELECT list(t.tag ORDER BY t.tag)
         FROM dataset_tags t
         WHERE t.dataset = v.dataset AND t.version = v.version), []) AS tags,
    v.job_id, v.created_at, v.created_by,
    [] AS used_by -- of rows of other tables: list_dataset_uses
FROM dataset_versions v
WHERE v.dataset = $dataset
ORDER BY v.version DESC;

-- name: get_dataset_version
-- One version by its number.
SELECT v.dataset, v.version, v.digest, v.parent, v.rows, v.bytes, v.added_bytes, v.columns,
    v.manifest, v.profile, v.delivery_profile, v.source, v.source_facts, v.contract, v.verdict,
    v.warning_count, v.failure_count, v.note,
    coalesce(
        (SELECT list(t.tag ORDER BY t.tag)
         FROM dataset_tags t
         WHERE t.dataset = v.dataset AND t.version = v.version), []) AS tags,
    v.job_id, v.created_at, v.created_by,
    [] AS used_by -- of rows of other tables: list_dataset_uses
FROM dataset_versions v
WHERE v.dataset = $dataset
    AND v.version = $version;

-- name: get_dataset_version_of_job
-- The version an ingest made.
SELECT v.dataset, v.version, v.digest, v.parent, v.rows, v.bytes, v.added_bytes, v.columns,
    v.manifest, v.profile, v.delivery_profile, v.source, v.source_facts, v.contract, v.verdict,
    v.warning_count, v.failure_count, v.note,
    coalesce(
        (SELECT list(t.tag ORDER BY t.tag)
         FROM dataset_tags t
         WHERE t.dataset = v.dataset AND t.version = v.version), []) AS tags,
    v.job_id, v.created_at, v.created_by,
    [] AS used_by -- of rows of other tables: list_dataset_uses
FROM dataset_versions v
WHERE v.job_id = $job_id
ORDER BY v.version DESC
LIMIT 1;

-- name: list_dataset_version_names
-- What a reference like `latest`, a tag or a digest prefix is looked up in, newest first.
SELECT v.version, v.digest,
    coalesce(
        (SELECT list(t.tag ORDER BY t.tag)
         FROM dataset_tags t
         WHERE t.dataset = v.dataset AND t.version = v.version), []) AS tags
FROM dataset_versions v
WHERE v.dataset = $dataset
ORDER BY v.version DESC;

-- name: list_manifests
-- Where the rows of every version of every dataset are, oldest first.
SELECT dataset, version, manifest
FROM dataset_versions
ORDER BY dataset, version;

-- name: list_dataset_uses
-- What was made from the versions of a dataset: endpoints that serve it, models, newest runs.
WITH run_uses AS (
    SELECT id, unnest(from_json(data, '[{"dataset": "VARCHAR", "version": "INTEGER"}]')) AS used
    FROM runs
    WHERE parent_id IS NULL
),
model_uses AS (
    SELECT model, version AS model_version,
        unnest(from_json(data, '[{"dataset": "VARCHAR", "version": "INTEGER"}]')) AS used
    FROM model_versions
),
routes AS (
    SELECT name, model,
        unnest(from_json(routes, '[{"version": "INTEGER"}]')).version AS model_version
    FROM endpoints
    WHERE desired <> 'stopped'
)
SELECT m.used.version AS version, 'endpoint ' || r.name AS what, 0 AS place, 0 AS number
FROM routes r
JOIN model_uses m ON m.model = r.model AND m.model_version = r.model_version
WHERE m.used.dataset = $dataset
UNION
SELECT used.version, model || '@v' || model_version, 1, -model_version
FROM model_uses
WHERE used.dataset = $dataset
UNION
SELECT used.version, 'run ' || id, 2, -id
FROM run_uses
WHERE used.dataset = $dataset
ORDER BY version, place, number;

-- name: get_dataset_results
-- The contract results of a version.
SELECT results
FROM dataset_versions
WHERE dataset = $dataset
    AND version = $version;

-- name: list_dataset_results
-- The contract results of the newest versions before one.
SELECT version, results
FROM dataset_versions
WHERE dataset = $dataset
    AND version <= $version
ORDER BY version DESC
LIMIT $limit;

-- name: set_dataset_version_note
-- What a person wants to remember about a version.
UPDATE dataset_versions
SET note = $note
WHERE dataset = $dataset
    AND version = $version;

-- name: set_dataset_tag
-- Points a tag to a version, wherever it pointed before.
INSERT INTO dataset_tags (dataset, tag, version, set_at, set_by)
VALUES ($dataset, $tag, $version, $set_at, $set_by)
ON CONFLICT (dataset, tag) DO UPDATE
SET version = excluded.version,
    set_at = excluded.set_at,
    set_by = excluded.set_by;

-- name: get_dataset_tag
-- The version a tag points to.
SELECT version
FROM dataset_tags
WHERE dataset = $dataset
    AND tag = $tag;

-- name: remove_dataset_tag
-- Forgets a tag; the version stays.
DELETE FROM dataset_tags
WHERE dataset = $dataset
    AND tag = $tag;

-- name: record_dataset_diff
-- Remembers where the diff of two contents is.
INSERT INTO dataset_diffs (before_digest, after_digest, key_columns, object, computed_at)
VALUES ($before_digest, $after_digest, $key_columns, $object, $computed_at);

-- name: get_dataset_diff
-- Object of the newest diff of two contents under a key.
SELECT object
FROM dataset_diffs
WHERE before_digest = $before_digest
    AND after_digest = $after_digest
    AND key_columns = $key_columns
ORDER BY computed_at DESC
LIMIT 1;
