"""Views: parse the request, call a service, respond."""
