"""Do what the commands ask for, one verb a file: each gets a project, a run and plain values, and returns a result."""
