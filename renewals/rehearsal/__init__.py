"""Plays rehearsals: a simulator, and hands that feed made-up cards, each in a process of its own."""
