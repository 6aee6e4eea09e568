"""The HTTP client that all services share."""
