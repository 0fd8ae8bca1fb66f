"""What a training consists of: rows, parts of rows, estimators, fits, judgement, the package.

Worker processes only. `console.worker.train` puts the pieces together.
"""
