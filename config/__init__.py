"""The Django project: settings from the environment, URLs, entry points for servers."""
