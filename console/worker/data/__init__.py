"""The data engine: files in, versions, profiles, checks and diffs out.

Plain functions over an in-memory DuckDB and paths. Only worker processes import this package; it
knows neither the agent nor the store.
"""
