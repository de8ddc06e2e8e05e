"""An organisation's own access to the model, as it stands among its integrations."""

from application.identity.secrets import Secrets
from application.model_calls import Access
from application.provider import NotConfigured


def own_access(secrets: Secrets, sealed: bytes | None, model: str | None) -> Access:
    """Open it, or refuse with `NotConfigured`: the installation does not pay for whoever chose to pay themselves."""
    if sealed is None:
        return Access(None, model)
    found = secrets.open(sealed)
    if found is None:
        raise NotConfigured("The organisation's key for the model cannot be opened; set it again.")
    return Access(found.get("api_key"), model)
