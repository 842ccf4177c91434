"""Renewals: one company's policy for one year, from the queue to the received policy."""
