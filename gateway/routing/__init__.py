"""Pure decisions: which endpoint gets a hole, in which order the others follow, and why."""
