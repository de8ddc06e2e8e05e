"""The least that can do the same work: no sign-in, no tenancy, no rules."""
