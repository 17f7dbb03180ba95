"""Services: the public Python face, in the decision record's own names. Start at `plane`."""
