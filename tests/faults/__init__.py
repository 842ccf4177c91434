"""Tries hard to break the engine: crashes at every line that matters, a portal that misbehaves."""
