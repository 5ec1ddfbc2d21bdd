"""The user study: participants, trials and answers. Never imports torch, vsum_core or analysis."""
