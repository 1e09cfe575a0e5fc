"""Models in containers: a folder in, a folder out, by Docker, Podman or a Kubernetes Job."""
