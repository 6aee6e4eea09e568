"""The services, one file each, and what several of them share."""
