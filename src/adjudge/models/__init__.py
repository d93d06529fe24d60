"""What a model is, where its files are, and how they come to this machine."""
