"""Let the workers of a Dask cluster render, instead of this machine."""

from __future__ import annotations

from collections.abc import Mapping

from gitassets.actions.build_plan import BuildOptions
from gitassets.adapters.tasks.dask_client import DaskExecutor
from gitassets.adapters.tasks.dask_connection import require_dask
from gitassets.adapters.tasks.inputs import name_place
from gitassets.errors import NotFoundError
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource, open_dvc_remote


def find_executor(project: Project, run: Run, options: BuildOptions) -> DaskExecutor | None:
    """Return who renders if not this machine. Raise GitAssetsError if Dask or a DVC remote is missing."""
    if options.dask is None:
        return None
    require_dask()
    found = RemoteSource(project, run).find()
    if found is None:
        raise NotFoundError(
            f"Run {run.run_id} has no DVC remote, from which the workers could get its files",
            f"`dvc remote add -d NAME URL` in {project.root} adds one, and `gitassets push {run.run_id}` fills it.",
        )
    remote = open_dvc_remote(project, found)

    def check_inputs(sizes: Mapping[str, int]) -> None:
        lacking = sizes.keys() - remote.check_blobs(sizes).right
        if lacking:
            raise NotFoundError(
                f"The DVC remote {remote.settings.name} lacks {len(lacking)} of the {len(sizes)} files that the "
                "workers need",
                f"`gitassets push {run.run_id}` uploads them.",
            )

    return DaskExecutor(options.dask, name_place(remote.settings), check_inputs)


def list_refusals(executor: DaskExecutor | None) -> tuple[str, ...]:
    """Return a sentence for each worker that was refused."""
    return () if executor is None else tuple(executor.remarks)
