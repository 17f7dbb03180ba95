"""Ledger: the books of a firm's companies under the policy and under hourly polling, in one run. Start with `bench.run_ledger`."""
