"""What the bundled models of CT share: coarse copies, shapes in millimetres, the body, checks."""
