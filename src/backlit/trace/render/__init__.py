"""The renderings of one record: terminal, page, LaTeX, JSON."""
