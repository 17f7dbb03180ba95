"""Adapters: one file a technology. Each implements a port; nothing else in the tree knows its library."""
