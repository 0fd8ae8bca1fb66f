-- How people like to look at runs, by name; shared by everybody in the workspace.

CREATE TABLE run_views (
    name VARCHAR PRIMARY KEY,
    filter VARCHAR NOT NULL,
    sort VARCHAR NOT NULL,
    "group" VARCHAR NOT NULL,
    hidden VARCHAR NOT NULL,
    "columns" VARCHAR NOT NULL,
    saved_by VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL
);
