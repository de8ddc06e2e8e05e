"""Each context's adapters, named for the container."""

from dishka import Provider

PROVIDERS: tuple[Provider, ...] = ()
