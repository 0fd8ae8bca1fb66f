-- name: list_people
-- Everybody known to the workspace.
SELECT name, uid, roles, is_owner, granted_by, granted_at, last_seen_at
FROM people
ORDER BY is_owner DESC, name;

-- name: get_person
-- One person by name.
SELECT name, uid, roles, is_owner, granted_by, granted_at, last_seen_at
FROM people
WHERE name = $name;

-- name: get_person_by_uid
-- The person behind a Unix user id.
SELECT name, uid, roles, is_owner, granted_by, granted_at, last_seen_at
FROM people
WHERE uid = $uid;

-- name: set_person
-- Adds a person or replaces what is known about one.
INSERT INTO people (name, uid, roles, is_owner, granted_by, granted_at, last_seen_at)
VALUES ($name, $uid, $roles, $is_owner, $granted_by, $granted_at, $last_seen_at)
ON CONFLICT (name) DO UPDATE
SET uid = excluded.uid,
    roles = excluded.roles,
    is_owner = excluded.is_owner,
    granted_by = excluded.granted_by,
    granted_at = excluded.granted_at,
    last_seen_at = excluded.last_seen_at;

-- name: set_last_seen
-- Remembers that a person is here; written at most once a minute.
UPDATE people
SET last_seen_at = $at
WHERE name = $name;

-- name: list_approvals
-- Requests for a second yes, waiting ones first.
SELECT id, action, subject, requested_by, requested_at, needs_role, reason, state,
    decided_by, decided_at
FROM approvals
ORDER BY state <> 'waiting', id DESC
LIMIT 200;

-- name: get_approval
-- One request for a second yes.
SELECT id, action, subject, requested_by, requested_at, needs_role, reason, state,
    decided_by, decided_at
FROM approvals
WHERE id = $id;

-- name: find_approval
-- The open or granted request for exactly this action on this subject.
SELECT id, action, subject, requested_by, requested_at, needs_role, reason, state,
    decided_by, decided_at
FROM approvals
WHERE action = $action
    AND subject = $subject
    AND state IN ('waiting', 'approved')
ORDER BY id DESC
LIMIT 1;

-- name: create_approval
-- Asks for a second yes.
INSERT INTO approvals (action, subject, requested_by, requested_at, needs_role, reason, state,
    decided_by)
VALUES ($action, $subject, $requested_by, $requested_at, $needs_role, $reason, 'waiting', '')
RETURNING id, action, subject, requested_by, requested_at, needs_role, reason, state,
    decided_by, decided_at;

-- name: set_approval_state
-- Records the decision, or that an approval was used up.
UPDATE approvals
SET state = $state,
    decided_by = $decided_by,
    decided_at = $decided_at
WHERE id = $id;
