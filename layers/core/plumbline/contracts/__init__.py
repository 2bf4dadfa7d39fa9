"""The typed models that cross every boundary, and the errors whose class names the state machine lists."""
