"""Programs of other people against sekishod alone: what they send, take, and read in its log."""
