"""A configured model's folder: its own, or the snapshot of a hub repository."""

from pathlib import Path

from diffusers import DiffusionPipeline
from huggingface_hub import snapshot_download
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


def adapter_folder(entry: ModelEntry) -> Path:
    """Where the entry's motion adapter lies, downloaded where it is not in the cache. Raises as ``model_folder``."""
    cached = downloaded_adapter(entry)
    return cached if cached is not None else _fetch_adapter(entry, local_files_only=False)


def downloaded_adapter(entry: ModelEntry) -> Path | None:
    """The motion adapter's folder where nothing needs to be downloaded, else None."""
    if entry.adapter_local is not None:
        return entry.adapter_local
    try:
        folder = _fetch_adapter(entry, local_files_only=True)
    except WeightsUnavailable:
        return None
    # Of a download that broke off the cache gives the folder all the same.
    return folder if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")) else None


def _fetch_adapter(entry: ModelEntry, local_files_only: bool) -> Path:
    try:
        return Path(
            snapshot_download(
                entry.motion_adapter or "",
                allow_patterns=["config.json", "*.safetensors"],
                local_files_only=local_files_only,
            )
        )
    except (OSError, ValueError, HFValidationError, HfHubHTTPError) as error:
        name = f"The motion adapter of model {entry.id} (hub {entry.motion_adapter})"
        raise WeightsUnavailable(_sentence(name, error)) from error


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
        name = f"The model {entry.id} ({entry.where})"
        raise WeightsUnavailable(_sentence(name, error)) from error


def _sentence(name: str, error: Exception) -> str:
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
