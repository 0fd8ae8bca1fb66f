"""Jobs on data: one module a kind, each with `run(job)`; the work itself is in `worker.data`."""
