-- name: create_run
-- A run as its worker first reports it.
INSERT INTO runs (id, job_id, parent_id, pipeline, pipeline_digest, state, params, seed, data, code,
    environment, started_at, ended_at, duration_s, peak_rss_bytes, rows_train, rows_holdout, holdout,
    metrics, model, note, tags, created_by, error, revision)
VALUES ($id, $job_id, $parent_id, $pipeline, $pipeline_digest, $state, $params, $seed, $data, $code,
    $environment, $started_at, $ended_at, $duration_s, $peak_rss_bytes, $rows_train, $rows_holdout,
    $holdout, $metrics, $model, $note, $tags, $created_by, $error, nextval('run_revisions'));

-- name: set_run
-- What a worker knows by now; note, tags and model are given by others and stay.
UPDATE runs
SET state = $state,
    pipeline_digest = $pipeline_digest,
    params = $params,
    seed = $seed,
    data = $data,
    code = $code,
    environment = $environment,
    ended_at = $ended_at,
    duration_s = $duration_s,
    peak_rss_bytes = $peak_rss_bytes,
    rows_train = $rows_train,
    rows_holdout = $rows_holdout,
    holdout = $holdout,
    metrics = $metrics,
    error = $error,
    revision = nextval('run_revisions')
WHERE id = $id;

-- name: end_unfinished_runs
-- Runs of a job that has ended without saying how they ended.
UPDATE runs
SET state = $state,
    ended_at = $at,
    duration_s = epoch($at - started_at),
    error = $error,
    revision = nextval('run_revisions')
WHERE job_id = $job_id
    AND state = 'running';

-- name: set_run_peak
-- The memory a run's job needed, known when its process has ended.
UPDATE runs
SET peak_rss_bytes = greatest(coalesce(peak_rss_bytes, 0), $peak_rss_bytes),
    revision = nextval('run_revisions')
WHERE id = $id;

-- name: set_run_model
-- The model version a run became.
UPDATE runs
SET model = $model,
    revision = nextval('run_revisions')
WHERE id = $id;

-- name: set_run_note
-- What people say about a run.
UPDATE runs
SET note = $note,
    tags = $tags,
    revision = nextval('run_revisions')
WHERE id = $id;

-- name: has_run
-- Whether a run is known.
SELECT count(*)
FROM runs
WHERE id = $id;

-- name: get_run
-- One run.
SELECT id, job_id, parent_id, pipeline, pipeline_digest, state, params, seed, data, code,
    environment, started_at, ended_at, duration_s, peak_rss_bytes, rows_train, rows_holdout, holdout,
    metrics, model, note, tags, created_by, error
FROM runs
WHERE id = $id;

-- name: list_runs
-- Newest first, a page at a time.
SELECT id, job_id, parent_id, pipeline, pipeline_digest, state, params, seed, data, code,
    environment, started_at, ended_at, duration_s, peak_rss_bytes, rows_train, rows_holdout, holdout,
    metrics, model, note, tags, created_by, error
FROM runs
WHERE ($pipeline = '' OR pipeline = $pipeline)
    AND ($before = 0 OR id < $before)
ORDER BY id DESC
LIMIT $limit;

-- name: list_changed_runs
-- Runs that changed since a revision, for a reader who keeps the others.
SELECT id, job_id, parent_id, pipeline, pipeline_digest, state, params, seed, data, code,
    environment, started_at, ended_at, duration_s, peak_rss_bytes, rows_train, rows_holdout, holdout,
    metrics, model, note, tags, created_by, error
FROM runs
WHERE revision > $revision
ORDER BY id;

-- name: list_child_runs
-- The candidates of a search.
SELECT id, job_id, parent_id, pipeline, pipeline_digest, state, params, seed, data, code,
    environment, started_at, ended_at, duration_s, peak_rss_bytes, rows_train, rows_holdout, holdout,
    metrics, model, note, tags, created_by, error
FROM runs
WHERE parent_id = $parent_id
ORDER BY id;

-- name: count_child_runs
-- How many candidates a search has tried.
SELECT count(*)
FROM runs
WHERE parent_id = $id;

-- name: last_run_revision
-- The newest revision of any run.
SELECT coalesce(max(revision), 0)
FROM runs;

-- name: get_trial
-- Which run the n-th candidate of a search is.
SELECT run_id
FROM run_trials
WHERE job_id = $job_id
    AND trial = $trial;

-- name: create_trial
-- Gives a candidate its run.
INSERT INTO run_trials (job_id, trial, run_id)
VALUES ($job_id, $trial, $run_id);

-- name: remove_run_results
-- Makes room for a newer list of one kind.
DELETE FROM run_results
WHERE run_id = $run_id
    AND kind = $kind;

-- name: record_run_results
-- One list of measured results.
INSERT INTO run_results (run_id, kind, results)
VALUES ($run_id, $kind, $results);

-- name: list_run_results
-- All lists of a run.
SELECT kind, results
FROM run_results
WHERE run_id = $run_id
ORDER BY kind;

-- name: record_run_points
-- Many values of metric histories in one statement; as one document, twice as fast as as lists.
INSERT INTO run_points (run_id, metric, step, value, "at")
SELECT unnest(p.run_ids), unnest(p.metrics), unnest(p.steps), unnest(p.values),
    make_timestamp(unnest(p.ats_us))
FROM (
    SELECT from_json($points, '{"run_ids": ["BIGINT"], "metrics": ["VARCHAR"], "steps": ["BIGINT"],
        "values": ["DOUBLE"], "ats_us": ["BIGINT"]}') AS p
);

-- name: list_run_points
-- The histories of a run.
SELECT metric, step, value, "at"
FROM run_points
WHERE run_id = $run_id
ORDER BY metric, step;

-- name: list_run_histories
-- The histories of some runs, each as two lists in the order of its steps.
SELECT run_id, metric, list(step ORDER BY step) AS steps, list(value ORDER BY step) AS "values"
FROM run_points
WHERE run_id IN (SELECT unnest(CAST($run_ids AS BIGINT[])))
GROUP BY run_id, metric
ORDER BY run_id, metric;

-- name: remove_run_artifact
-- Makes room for a newer one of the same name.
DELETE FROM run_artifacts
WHERE run_id = $run_id
    AND name = $name;

-- name: record_run_artifact
-- A file a run made.
INSERT INTO run_artifacts (run_id, name, kind, digest, bytes)
VALUES ($run_id, $name, $kind, $digest, $bytes);

-- name: list_run_artifacts
-- The files of a run by name.
SELECT name, kind, digest, bytes
FROM run_artifacts
WHERE run_id = $run_id
ORDER BY name;

-- name: list_run_views
-- The saved views of runs by name.
SELECT name, filter, sort, "group", hidden, "columns", saved_by, saved_at
FROM run_views
ORDER BY name;

-- name: set_run_view
-- Saves a view, or replaces the one of its name.
INSERT INTO run_views (name, filter, sort, "group", hidden, "columns", saved_by, saved_at)
VALUES ($name, $filter, $sort, $group, $hidden, $columns, $saved_by, $saved_at)
ON CONFLICT (name) DO UPDATE
SET filter = excluded.filter,
    sort = excluded.sort,
    "group" = excluded."group",
    hidden = excluded.hidden,
    "columns" = excluded."columns",
    saved_by = excluded.saved_by,
    saved_at = excluded.saved_at;

-- name: remove_run_view
-- Forgets a view.
DELETE FROM run_views
WHERE name = $name;
