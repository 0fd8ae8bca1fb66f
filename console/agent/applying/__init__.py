"""What children report, applied to the store: one file per noun."""
