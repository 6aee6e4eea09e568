"""Read and write the files in which gitassets keeps its own state."""
