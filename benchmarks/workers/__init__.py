"""One worker for each library that is measured. Each runs in that library's own environment, so none imports another."""
