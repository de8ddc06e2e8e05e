"""`rapport doctor`: looks at everything an installation stands on, and says in sentences what is wrong."""
