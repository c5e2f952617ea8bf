"""Storyboards: a YAML file of shots becomes one film, drawn by the project's own models."""
