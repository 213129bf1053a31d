"""The laboratory: real servers in a network namespace of their own."""
