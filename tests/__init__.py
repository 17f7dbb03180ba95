"""Tests: they mirror `src/` file for file; `test_tidy` holds the house rules."""
