"""The files in which gitassets keeps its own state."""
