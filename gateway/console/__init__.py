"""The console: plain pages, made on the server, that work without a script."""
