"""Agreement and interpretability statistics for studies of visual summaries. Imports neither Django nor torch."""
