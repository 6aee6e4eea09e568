"""Find, read, change, download and upload runs."""
