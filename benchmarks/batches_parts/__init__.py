"""Whole batches: a season of equal companies, the plainest robot, and Xubao itself."""
