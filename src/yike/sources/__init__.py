"""Outside files to a City: one reader per kind, every bad row reported."""
