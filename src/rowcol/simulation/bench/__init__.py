"""Bench: what the service costs against a bare server doing nothing, as ratios in one run."""
