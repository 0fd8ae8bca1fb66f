-- The truth, known only afterwards: did the flight arrive more than 15 minutes late?
-- Cancelled flights (no departure) and diverted ones (no arrival) have no answer.
SELECT
    *,
    CAST(arr_delay > 15 AS INTEGER) AS late
FROM this
WHERE dep_time IS NOT NULL
    AND arr_delay IS NOT NULL
