"""One function per change of state. Nothing else in this package writes to the database."""
