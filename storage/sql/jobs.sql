-- name: next_job_id
-- Takes the next number; jobs and runs share the sequence.
SELECT nextval('job_ids');

-- name: create_job
-- Queues a job.
INSERT INTO jobs (id, kind, title, spec, state, priority, after, retry_of, created_at, created_by, started_at,
    ended_at, pid, pid_started_at, boot_id, exit_code, signal, reason, progress, cpu_ratio, rss_bytes,
    peak_rss_bytes, result, cancel_requested_by)
VALUES ($id, $kind, $title, $spec, $state, $priority, $after, $retry_of, $created_at, $created_by,
    $started_at, $ended_at, $pid, $pid_started_at, $boot_id, $exit_code, $signal, $reason,
    $progress, $cpu_ratio, $rss_bytes, $peak_rss_bytes, $result, $cancel_requested_by);

-- name: get_job
-- One job.
SELECT id, kind, title, spec, state, priority, after, retry_of, created_at, created_by, started_at,
    ended_at, pid, pid_started_at, boot_id, exit_code, signal, reason, progress, cpu_ratio, rss_bytes,
    peak_rss_bytes, result, cancel_requested_by
FROM jobs
WHERE id = $id;

-- name: list_jobs
-- Newest first; `active` stands for every state that has not ended.
SELECT id, kind, title, spec, state, priority, after, retry_of, created_at, created_by, started_at,
    ended_at, pid, pid_started_at, boot_id, exit_code, signal, reason, progress, cpu_ratio, rss_bytes,
    peak_rss_bytes, result, cancel_requested_by
FROM jobs
WHERE ($state = '' OR state = $state
        OR ($state = 'active' AND state IN ('queued', 'starting', 'running')))
    AND ($kind = '' OR kind = $kind)
    AND ($before = 0 OR id < $before)
ORDER BY id DESC
LIMIT $limit;

-- name: list_unfinished_jobs
-- What the supervisor has to look after, in the order the queue serves them.
SELECT id, kind, title, spec, state, priority, after, retry_of, created_at, created_by, started_at,
    ended_at, pid, pid_started_at, boot_id, exit_code, signal, reason, progress, cpu_ratio, rss_bytes,
    peak_rss_bytes, result, cancel_requested_by
FROM jobs
WHERE state IN ('queued', 'starting', 'running')
ORDER BY priority DESC, id;

-- name: set_job_starting
-- A process is being started for the job.
UPDATE jobs
SET state = 'starting',
    started_at = $at
WHERE id = $id
    AND state = 'queued';

-- name: set_job_process
-- The process is known: the job runs.
UPDATE jobs
SET state = 'running',
    pid = $pid,
    pid_started_at = $pid_started_at,
    boot_id = $boot_id
WHERE id = $id
    AND state IN ('starting', 'running');

-- name: set_job_progress
-- How far the job is, in its own words.
UPDATE jobs
SET progress = $progress
WHERE id = $id;

-- name: set_job_usage
-- What the job uses right now.
UPDATE jobs
SET cpu_ratio = $cpu_ratio,
    rss_bytes = $rss_bytes,
    peak_rss_bytes = greatest(coalesce(peak_rss_bytes, 0), $rss_bytes)
WHERE id = $id;

-- name: set_job_cancel_requested
-- Somebody wants the job to stop.
UPDATE jobs
SET cancel_requested_by = $by
WHERE id = $id;

-- name: set_job_place
-- Another place in the queue, as long as it waits there.
UPDATE jobs
SET priority = $priority,
    after = $after
WHERE id = $id
    AND state = 'queued';

-- name: list_job_retries
-- Jobs that repeat one, the latest first.
SELECT id, kind, title, spec, state, priority, after, retry_of, created_at, created_by, started_at,
    ended_at, pid, pid_started_at, boot_id, exit_code, signal, reason, progress, cpu_ratio, rss_bytes,
    peak_rss_bytes, result, cancel_requested_by
FROM jobs
WHERE retry_of = $id
ORDER BY id DESC;

-- name: set_job_result
-- What the job made or why it gave up, told by itself before it ended.
UPDATE jobs
SET result = $result,
    reason = $reason
WHERE id = $id;

-- name: set_job_ended
-- The end of a job, once.
UPDATE jobs
SET state = $state,
    ended_at = $at,
    exit_code = $exit_code,
    signal = $signal,
    reason = $reason,
    peak_rss_bytes = greatest(coalesce(peak_rss_bytes, 0), $peak_rss_bytes)
WHERE id = $id
    AND state IN ('queued', 'starting', 'running');

-- name: count_jobs
-- Jobs by state, for the status line.
SELECT count(*)
FROM jobs
WHERE state = $state;
