"""THE INFERENCE FLOW: what a model does to a row, the same in training and in serving.

Stands above `storage` and `console.rules`; worker and serving processes import it, it imports
neither. Whatever both must do alike is here and nowhere else: applying a pipeline's steps, and
turning features into scores.
"""
