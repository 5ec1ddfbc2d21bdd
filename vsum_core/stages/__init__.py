"""The stages of a run: each calls the pure functions of one part of the method and keeps the result in the store."""
