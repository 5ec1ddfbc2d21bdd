"""Template tags of the participant pages."""
