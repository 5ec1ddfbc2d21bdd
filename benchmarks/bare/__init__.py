"""A bare site to measure against: a page, a form, and one INSERT per post, with the settings of the study platform.

Whatever a web page in Django can be here, this is: the same middleware, database and server, and nothing else.
"""
