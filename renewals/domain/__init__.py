"""What happens to renewals: one function a move, whichever door asked."""
