"""The commands ``novasr plugin install``, ``path`` and ``uninstall``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from novasr.errors import ParameterError

HELP = """Make the VST3 plugin known to audio programs.

\b
Examples:
  novasr plugin install
  novasr plugin install --to ~/plugins
  novasr plugin uninstall
"""

INSTALL_HELP = """Copy the plugin to where audio programs look for VST3 plugins.

Without options that is the folder of this user: ~/.vst3 on Linux, ~/Library/Audio/Plug-Ins/VST3 on
macOS, %LOCALAPPDATA%\\Programs\\Common\\VST3 on Windows. Run it again after an update of novasr. A plugin
of that name that novasr did not put there stays as it is.

\b
Examples:
  novasr plugin install
  sudo novasr plugin install --system
  novasr plugin install --to ~/plugins
"""

PATH_HELP = """Print where the installed package has the plugin, for hosts that take a path.

\b
Examples:
  novasr plugin path
  ln -s "$(novasr plugin path --lv2)" ~/.lv2/     (LV2 and LADSPA without an editor)
"""

UNINSTALL_HELP = """Remove what novasr plugin install put there, and nothing else.

\b
Examples:
  novasr plugin uninstall
  novasr plugin uninstall --to ~/plugins
"""

System = Annotated[bool, typer.Option("--system", help="Use the folder of all users.")]
To = Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Use this folder.")]

app = typer.Typer()


@app.callback(invoke_without_command=True, help=HELP)
def plugin(context: typer.Context) -> None:
    """Show the help if no command follows."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(help=INSTALL_HELP)
def install(system: System = False, to: To = None) -> None:
    """Install the bundle; say where, and which LibTorch engine it will use."""
    from novasr.plugin.install import install as copy
    from novasr.weights.torch_runtime import find_torch_engine

    print(f"{copy(_folder(system, to))}: installed")
    if (engine := find_torch_engine()) is not None:
        print(f"{engine}: for TorchScript models")


@app.command(help=PATH_HELP)
def path(
    lv2: Annotated[
        bool, typer.Option("--lv2", help="The LV2 and LADSPA plugins without an editor.")
    ] = False,
) -> None:
    """Print the path of the bundle."""
    from novasr.plugin.bundle import find_bundle
    from novasr.plugin.headless import find_headless_bundle

    print(find_headless_bundle() if lv2 else find_bundle())


@app.command(help=UNINSTALL_HELP)
def uninstall(system: System = False, to: To = None) -> None:
    """Remove the bundle and say which."""
    from novasr.plugin.install import uninstall as remove

    print(f"{remove(_folder(system, to))}: removed")


def _folder(system: bool, to: Path | None) -> Path:
    from novasr.plugin.install import system_folder, user_folder

    if system and to is not None:
        raise ParameterError("--system and --to each name a folder: give one of them")
    return to or (system_folder() if system else user_folder())
