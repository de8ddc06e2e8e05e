"""The demo: the whole job, done by a client over HTTP on a house of its own, and proved from the provider's books."""
