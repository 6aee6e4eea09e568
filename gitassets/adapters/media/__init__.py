"""Read, decode and measure media files."""
