"""Scores: what makes one feasible node better than another, 0 to 100 each, before the policy's weights."""
