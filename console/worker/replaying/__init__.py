"""The parts of a replay: rows with their truth, a lean HTTP client, the pace."""
