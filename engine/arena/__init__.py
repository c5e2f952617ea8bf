"""Models that draw the same prompt against each other, and their ranking by what people preferred."""
