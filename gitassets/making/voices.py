"""Give the narration of services a voice: look up the account's once, and let the buyer choose if none is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitassets.domain.manifest import Kind
from gitassets.domain.voices import Voice
from gitassets.errors import GitAssetsError
from gitassets.making.consent import Buyer
from gitassets.making.plan import Job
from gitassets.providers.base import VoiceService
from gitassets.providers.registry import load_provider
from gitassets.runs.project import Project


def choose_voices(project: Project, jobs: Sequence[Job], buyer: Buyer) -> list[Job]:
    """Return the jobs with the voices that the buyer chose. Each service is asked once for its voices.

    Raise ProviderError that names the voices if none is chosen: then nothing at all is bought. A job with a voice that
    is not known stays as it is: its provider's check says which voices there are.
    """
    chosen: dict[str, Voice | None] = {}
    for name in dict.fromkeys(job.provider for job in jobs if job.address.kind is Kind.AUDIO):
        mine = [job for job in jobs if job.provider == name and job.address.kind is Kind.AUDIO]
        chosen[name] = _choose_voice(project, name, mine, buyer)
    return [_with_voice(job, chosen.get(job.provider)) for job in jobs]


def _choose_voice(project: Project, name: str, jobs: Sequence[Job], buyer: Buyer) -> Voice | None:
    try:
        provider = load_provider(name, Kind.AUDIO, project.settings)
    except GitAssetsError:
        return None
    if not isinstance(provider, VoiceService):
        return None
    voices = provider.look_up_voices(jobs[0].request)
    lacking = next((job.request for job in jobs if provider.needs_voice(job.request)), None)
    chosen = buyer.choose_voice(provider.name, voices) if lacking and voices and buyer.present else None
    if lacking and chosen is None:
        provider.require_voice(lacking)
    return chosen


def _with_voice(job: Job, voice: Voice | None) -> Job:
    if voice is None or job.address.kind is not Kind.AUDIO or job.request.voice:
        return job
    return replace(job, request=replace(job.request, voice=voice.name, voice_id=voice.id or None))
