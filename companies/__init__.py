"""Client companies: who they are, their contacts, cards and consents, and whether all is ready."""
