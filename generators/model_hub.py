"""A configured model's folder: its own, or the snapshot of a hub repository."""

from pathlib import Path

from diffusers import DiffusionPipeline
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from generators.errors import WeightsUnavailable
from generators.model_entry import ModelEntry


def model_folder(entry: ModelEntry) -> Path:
    """Where the entry's files lie; those of a hub id are downloaded where they are not in its cache.

    Only safetensors are downloaded, and no code. Raises WeightsUnavailable with what to do.
    """
    if entry.local is not None:
        return entry.local
    cached = downloaded_folder(entry)
    return cached if cached is not None else _fetch(entry, local_files_only=False)


def downloaded_folder(entry: ModelEntry) -> Path | None:
    """The folder where nothing needs to be downloaded, else None."""
    if entry.local is not None:
        return entry.local
    try:
        return _fetch(entry, local_files_only=True)
    except WeightsUnavailable:
        return None


def _fetch(entry: ModelEntry, local_files_only: bool) -> Path:
    try:
        return Path(
            DiffusionPipeline.download(
                entry.path,
                revision=entry.revision,
                variant=entry.variant,
                use_safetensors=True,
                local_files_only=local_files_only,
                trust_remote_code=False,
            )
        )
    except (OSError, ValueError, HFValidationError, HfHubHTTPError) as error:
        raise WeightsUnavailable(_sentence(entry, error)) from error


def _sentence(entry: ModelEntry, error: Exception) -> str:
    name = f"The model {entry.id} ({entry.where})"
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and len(causes) < 10:
        causes.append(cause)

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in causes)

    if caused_by(GatedRepoError):
        return f"{name} is gated: accept its licence on its page at the hub, then run `hf auth login`."
    if caused_by(RevisionNotFoundError):
        return f"{name} has no such revision at the hub; correct the entry's revision."
    if caused_by(RepositoryNotFoundError, HFValidationError):
        return f"{name} is not at the hub, or is private; correct the entry's path or run `hf auth login`."
    if caused_by(EntryNotFoundError) and not caused_by(LocalEntryNotFoundError):
        return f"{name} has no model_index.json at the hub; name a repository in diffusers' layout."
    if caused_by(OfflineModeIsEnabled):
        return f"{name} is not downloaded, and HF_HUB_OFFLINE forbids it; unset that, or give a folder as its path."
    if "safetensors" in str(error) and not caused_by(HfHubHTTPError):
        return f"{name} has no safetensors files at the hub, and pickles are never opened; use another repository."
    return (
        f"{name} is not downloaded and the hub does not answer ({type(causes[-1]).__name__}); connect to the "
        "network, set HF_ENDPOINT to a mirror, or give a folder as its path."
    )
