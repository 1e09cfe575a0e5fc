"""What becomes of registered models: their stages, artefacts, tries and use."""
