"""The styles of a data folder: one TOML file each, for people to read, edit and keep under version control."""

import difflib
from pathlib import Path

from engine.data_folder import write_whole
from engine.errors import InvalidRequest, UnknownStyle
from generators.errors import InvalidStyle
from generators.style import Style


class StyleFolder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, name: str) -> Path:
        """Where the style of that name lies or would lie. Raises InvalidStyle for what is no name."""
        Style.make(name=name)
        return self._root / f"{name}.toml"

    def names(self) -> list[str]:
        return sorted(path.stem for path in self._root.glob("*.toml") if path.is_file())

    def read(self, name: str) -> Style:
        """Raises UnknownStyle, and InvalidStyle where its file cannot be used."""
        path = self.path(name)
        try:
            style = Style.from_toml(path.read_bytes())
        except FileNotFoundError as error:
            close = difflib.get_close_matches(name, self.names(), n=2)
            meant = (
                f"did you mean {' or '.join(close)}?"
                if close
                else "`lorespark style list` shows those there are."
            )
            raise UnknownStyle(f"There is no style {name}; {meant}") from error
        except OSError as error:
            raise InvalidStyle(f"The style file {path} cannot be read ({error.strerror}).") from error
        except InvalidStyle as error:
            raise InvalidStyle(f"{path}: {error}") from error
        if style.name != name:
            raise InvalidStyle(f"{path}: the style is named {style.name!r}; name the file like it.")
        return style

    def write(self, style: Style, replace: bool) -> Path:
        """Raises InvalidRequest where the style is there and is not to be replaced; DataFolderUnusable."""
        path = self.path(style.name)
        if path.exists() and not replace:
            raise InvalidRequest(
                f"There is a style {style.name} already; give another name, or --replace it."
            )
        self._root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # keys will lie beside the styles
        write_whole(path, style.to_toml().encode())
        return path
