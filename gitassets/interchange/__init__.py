"""Read and lay out bags, timelines and folders of media."""
