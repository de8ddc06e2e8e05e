"""Routes of campaigns."""

from uuid import UUID

from application.outreach.campaign_forms import OfDataset, PreviewText, SettingsIn, StartCampaign
from application.outreach.campaign_views import CampaignView, PreviewView
from application.outreach.campaigns import Campaigns
from entrypoints.http.operation import IfMatch, operation


@operation("POST", "/campaigns/start", "startCampaign", "Start a dataset's campaign", status=200)
async def start_campaign(campaigns: Campaigns, body: StartCampaign) -> CampaignView:
    """Enrol its READY leads and plan the first touch."""
    return await campaigns.start(body)


@operation("POST", "/campaigns/pause", "pauseCampaign", "Pause a campaign", status=200)
async def pause_campaign(campaigns: Campaigns, body: OfDataset) -> CampaignView:
    """What is not handed over yet waits, held."""
    return await campaigns.pause(body)


@operation("POST", "/campaigns/resume", "resumeCampaign", "Resume a paused campaign", status=200)
async def resume_campaign(campaigns: Campaigns, body: OfDataset) -> CampaignView:
    """At the campaign's pace from now."""
    return await campaigns.resume(body)


@operation("POST", "/campaigns/preview", "previewText", "Preview a touch for a lead", status=200, keyed=False)
async def preview_text(campaigns: Campaigns, body: PreviewText) -> PreviewView:
    """The text as the lead would get it, with its segments."""
    return await campaigns.preview(body)


@operation("GET", "/campaigns/{dataset_id:uuid}", "showCampaign", "Show a dataset's campaign")
async def show_campaign(campaigns: Campaigns, dataset_id: UUID) -> CampaignView:
    """Plan, state, and texts counted by what became of them."""
    return await campaigns.show(dataset_id)


@operation("PATCH", "/campaigns/{dataset_id:uuid}", "changeCampaign", "Change a campaign's settings")
async def change_campaign(campaigns: Campaigns, dataset_id: UUID, body: SettingsIn, version: IfMatch) -> CampaignView:
    """Texts already planned keep their wording."""
    return await campaigns.change(dataset_id, body, version)


ROUTES = (start_campaign, pause_campaign, resume_campaign, preview_text, show_campaign, change_campaign)
