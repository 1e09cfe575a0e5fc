"""Models in containers: a folder in, a folder out, by Docker or Podman."""
