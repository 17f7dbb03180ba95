"""Simulation: the production engine on emulated rails under virtual time. Start with `demo.run_demo` or `rig.open_rig`."""
