"""The doors for people: board, renewal, queue, batches, report, and the client's page."""
