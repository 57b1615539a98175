"""The simulator behind the demo: bodies, their actions, and the camera that sees them."""
