"""One file for each outside tool."""
