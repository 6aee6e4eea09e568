"""`gitassets serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, examples, is_interactive, load_project
from gitassets.errors import GitAssetsError, UsageError

if TYPE_CHECKING:
    from gitassets.runs.project import Project
    from gitassets.web.site import Site


def register(app: typer.Typer) -> None:
    app.command(
        "serve",
        epilog=examples(
            "serve", "serve latest", "serve latest --port 8000 --no-open", "serve latest --live --max-cost 5"
        ),
    )(serve)


@guarded
def serve(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The run to open. Default: the list of runs."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port. Default: a free one.")] = 0,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Listen here. Elsewhere than 127.0.0.1 the page only shows. For trusted networks."
        ),
    ] = "127.0.0.1",
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open a browser. Default: at a terminal.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Let nobody decide anything.")] = False,
    let_others_decide: Annotated[
        bool,
        typer.Option("--let-others-decide", help="With --host: visitors decide too, after they gave their names."),
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Let the page buy from services, up to --max-cost.")] = False,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, metavar="USD", help="Buy for at most this much in all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Open the page on which runs are reviewed, in your browser.

    The page is served by this computer alone, for as long as the command runs. The printed link holds a secret that
    lets a browser in. Every decision is a commit, as with the other commands.
    """
    _require_packages()
    if live != (max_cost is not None):
        raise UsageError("--live and --max-cost belong together", "Such as: --live --max-cost 5")
    from gitassets.web.server import bind
    from gitassets.web.server import serve as run_server
    from gitassets.web.site import Options, Site

    project = load_project()
    path = _find_path(project, run)
    with bind(host, port) as listener:
        shut = read_only or not (Options(host).local or let_others_decide)
        options = Options(host, listener.getsockname()[1], shut, let_others_decide, live, max_cost)
        site = Site(project.root, project.git_dir, options)
        opens = is_interactive() and not as_json if open_browser is None else open_browser
        try:
            run_server(site, listener, lambda: _announce(site, path, opens=opens, as_json=as_json))
        except KeyboardInterrupt:
            typer.echo("\nStopped.", err=True)


def _require_packages() -> None:
    """Raise GitAssetsError if the packages of the page are not installed, before anything else is looked at."""
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("starlette", "uvicorn", "jinja2")):
        raise GitAssetsError(
            "The review page needs packages that are not installed",
            "Install them with `pip install starlette uvicorn jinja2`.",
        )


def _find_path(project: Project, wanted: str | None) -> str:
    """Return the path of the page to open: that of the run, or of the list of runs."""
    from gitassets.runs.lookup import find_run

    return "/" if wanted is None else f"/runs/{find_run(project, wanted).run_id}"


def _announce(site: Site, path: str, *, opens: bool, as_json: bool) -> None:
    """Print the link, and open it."""
    link = site.make_link(path)
    if as_json:
        from gitassets.cli.render import emit_json

        emit_json("serve", {"url": link, "port": site.options.port, "read_only": site.options.read_only})
    else:
        typer.echo(f"Review page: {link}\nStop it with Ctrl-C.")
        if site.options.everywhere:
            typer.echo("On another computer, put this one's name or address in place of 127.0.0.1.")
    sys.stdout.flush()
    if opens:
        import webbrowser

        webbrowser.open(link)
