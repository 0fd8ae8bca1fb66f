-- name: get_idempotent_answer
-- The answer already given to a repeated write.
SELECT response
FROM idempotency_keys
WHERE key = $key;

-- name: keep_idempotent_answer
-- Keeps an answer in case the caller never received it.
INSERT INTO idempotency_keys (key, route, response, created_at)
VALUES ($key, $route, $response, $created_at)
ON CONFLICT (key) DO NOTHING;

-- name: drop_idempotent_answers
-- Forgets answers nobody will ask for again.
DELETE FROM idempotency_keys
WHERE created_at < $before;
