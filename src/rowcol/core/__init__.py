"""Pure values and rules: no I/O, no clock, no dice. Start at `need`, then `evidence`, then `plan`."""
