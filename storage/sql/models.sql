-- name: list_models
-- Registered models with where their two usual aliases point.
WITH current AS (
    SELECT model, alias, arg_max(version, "at") AS version
    FROM alias_changes
    GROUP BY model, alias
)
SELECT m.name, m.description,
    (SELECT count(*) FROM model_versions v WHERE v.model = m.name) AS version_count,
    (SELECT max(v.version) FROM model_versions v WHERE v.model = m.name) AS latest_version,
    (SELECT c.version FROM current c WHERE c.model = m.name AND c.alias = 'champion') AS champion,
    (SELECT c.version FROM current c WHERE c.model = m.name AND c.alias = 'challenger')
        AS challenger,
    m.created_at, m.created_by
FROM models m
ORDER BY m.name;

-- name: create_model
-- Registers a name; once.
INSERT INTO models (name, description, created_at, created_by)
VALUES ($name, $description, $created_at, $created_by)
ON CONFLICT (name) DO NOTHING;

-- name: next_model_version
-- The number the next version of a model gets.
SELECT coalesce(max(version), 0) + 1
FROM model_versions
WHERE model = $model;

-- name: create_model_version
-- Adds an immutable version.
INSERT INTO model_versions (model, version, digest, run_id, data, metrics, note, bytes,
    first_threshold, created_at, created_by)
VALUES ($model, $version, $digest, $run_id, $data, $metrics, $note, $bytes,
    $first_threshold, $created_at, $created_by);

-- name: list_model_versions
-- Versions newest first, with what follows from later changes: aliases, verdict, threshold.
WITH current AS (
    SELECT alias, arg_max(version, "at") AS version, arg_max(is_override, "at") AS is_override
    FROM alias_changes
    WHERE model = $model
    GROUP BY alias
),
judged AS (
    SELECT version, arg_max(verdict, judged_at) AS verdict, arg_max(report, judged_at) AS report
    FROM gate_reports
    WHERE model = $model
    GROUP BY version
),
thresholds AS (
    SELECT version, arg_max(value, "at") AS value
    FROM threshold_changes
    WHERE model = $model
    GROUP BY version
),
overrides AS (
    SELECT DISTINCT version
    FROM alias_changes
    WHERE model = $model
        AND is_override
)
SELECT v.model, v.version, v.digest, v.run_id, v.data, v.metrics,
    coalesce(j.verdict, 'skipped') AS verdict,
    coalesce(
        (SELECT json_group_object(word, n)
         FROM (
             SELECT result ->> 'verdict' AS word, count(*) AS n
             FROM (SELECT unnest(CAST(json_extract(j.report, '$.results[*]') AS JSON[])) AS result)
             GROUP BY word
         ))::VARCHAR, '{}') AS gate_counts,
    coalesce(t.value, v.first_threshold) AS threshold,
    (SELECT to_json(coalesce(list(c.alias ORDER BY c.alias), []))::VARCHAR
     FROM current c
     WHERE c.version = v.version) AS aliases,
    '[]' AS served_by,
    o.version IS NOT NULL AS is_override,
    v.note, v.bytes, v.created_at, v.created_by
FROM model_versions v
LEFT JOIN judged j ON j.version = v.version
LEFT JOIN thresholds t ON t.version = v.version
LEFT JOIN overrides o ON o.version = v.version
WHERE v.model = $model
ORDER BY v.version DESC;

-- name: get_alias
-- Which version an alias points to now.
SELECT version
FROM alias_changes
WHERE model = $model
    AND alias = $alias
ORDER BY "at" DESC
LIMIT 1;

-- name: record_alias_change
-- Moves an alias.
INSERT INTO alias_changes (model, alias, version, previous, "at", "by", reason, is_override,
    is_rollback)
VALUES ($model, $alias, $version, $previous, $at, $by, $reason, $is_override, $is_rollback);

-- name: list_alias_changes
-- Every move of a model's aliases, newest first.
SELECT model, alias, version, previous, "at", "by", reason, is_override, is_rollback
FROM alias_changes
WHERE model = $model
ORDER BY "at" DESC
LIMIT 500;

-- name: record_threshold_change
-- A person sets the decision threshold of a version.
INSERT INTO threshold_changes (model, version, value, previous, "at", "by", reason, figures)
VALUES ($model, $version, $value, $previous, $at, $by, $reason, $figures);

-- name: list_threshold_changes
-- The thresholds of a model's version, newest first.
SELECT model, version, value, previous, "at", "by", reason, figures
FROM threshold_changes
WHERE model = $model
    AND version = $version
ORDER BY "at" DESC
LIMIT 100;

-- name: record_gate_report
-- Keeps a judgement of a version.
INSERT INTO gate_reports (model, version, judged_at, verdict, report)
VALUES ($model, $version, $judged_at, $verdict, $report);

-- name: get_gate_report
-- The newest judgement of a version.
SELECT report
FROM gate_reports
WHERE model = $model
    AND version = $version
ORDER BY judged_at DESC
LIMIT 1;

-- name: list_model_digests
-- Every manifest that must not be collected.
SELECT DISTINCT digest
FROM model_versions;
