"""The function of ``keras.utils`` that downloads, which gru_c does not do."""

from __future__ import annotations

from typing import Any, NoReturn


def get_file(fname: str | None = None, origin: str | None = None, **options: Any) -> NoReturn:
    """Raise an error that says what to do instead: gru_c downloads nothing.

    Raises
    ------
    NotImplementedError
        Always.
    """
    what = f"{origin}" if origin else f"the file {fname!r}" if fname else "the file"
    raise NotImplementedError(
        f"gru_c downloads nothing: download {what} yourself, with a browser, curl or "
        "urllib.request.urlretrieve(url, path), and open the file by its path"
    )
