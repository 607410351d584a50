"""Pure rules: no I/O, `now` is an argument."""
