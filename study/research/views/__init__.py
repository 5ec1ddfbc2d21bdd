"""Views of the researchers' pages: parse, ask a service, respond."""
