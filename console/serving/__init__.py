"""PROCESS 3: one endpoint. Answers over HTTP without the agent; tells it what happened by journal.

Started as `python -m console.serving.main --workspace-config .mlops/endpoints/NAME/config.json`.
Nobody imports it.
"""
