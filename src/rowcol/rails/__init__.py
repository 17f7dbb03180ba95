"""Rails: one folder each, sans-IO: they build requests, read answers and translate deliveries.

Not here: anything that waits, sends, asks the time or throws dice. `rowcol.rails.registry` lists them.
"""
