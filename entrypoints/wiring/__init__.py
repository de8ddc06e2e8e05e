"""Each context's adapters, named for the container."""

from dishka import Provider

from entrypoints.wiring.http import Http

PROVIDERS: tuple[Provider, ...] = (Http(),)
