"""Pure values and rules: no disk, no clock, no git, no printing."""
