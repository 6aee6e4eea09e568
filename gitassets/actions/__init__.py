"""One verb a file: takes a project, a run and plain values, returns a typed result."""
