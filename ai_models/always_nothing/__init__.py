"""Always nothing: a bundled model for tests. It is a draft, and no rule runs it."""
