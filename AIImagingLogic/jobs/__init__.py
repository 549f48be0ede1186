"""Run a task in a worker process: progress, cancellation, safety from crashes."""
