"""The client that all services share."""
