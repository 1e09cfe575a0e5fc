"""What reached the archive, or left it, without the gateway: found, and the index kept true."""
