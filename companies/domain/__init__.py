"""What happens to companies, whichever door asked."""
