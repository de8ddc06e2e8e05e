"""Where one context's port is answered by another context, within the caller's unit of work."""
