"""The options with which a user describes a file. What they leave open, the file decides."""

from __future__ import annotations

from dataclasses import dataclass

from gru_c.common.validation import check_choice, check_integer

DUPLICATES = ("error", "mean", "last")
_MARKS = (".", ",")
_THOUSANDS = (".", ",", " ", "'", "")


@dataclass(frozen=True)
class ReadingOptions:
    """Settings for reading a file. Where one is None, the content of the file decides.

    Parameters
    ----------
    encoding : str, optional
        A codec of Python, such as "cp1252".
    separator : str, optional
        The character between fields; "space" for any number of spaces, "tab" for a tab.
    decimal : {".", ","}, optional
    thousands : {".", ",", " ", "'", ""}, optional
        "" says that there is none.
    missing : tuple of str
        Texts that stand for a missing number, besides the usual ones.
    time_format : str, optional
        Of `gru_c.forecast.reading.time_formats`, such as "%d.%m.%Y %H:%M".
    timezone : str, optional
        The zone of local times; times with offsets are converted to it.
    skip_rows : int
        Number of lines to skip at the beginning of the file.
    header : bool
        False: the file has no header, and columns are called 1, 2, ...
    frequency : str, optional
        A frequency of pandas, such as "h"; steps without a row are missing.
    duplicates : {"error", "mean", "last"}
        For rows of the same time.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: tuple[str, ...] = ()
    time_format: str | None = None
    timezone: str | None = None
    skip_rows: int = 0
    header: bool = True
    frequency: str | None = None
    duplicates: str = "error"

    def __post_init__(self) -> None:
        """Raise ValueError for options that do not exist or contradict each other."""
        check_integer("skip_rows", self.skip_rows)
        check_choice("duplicates", self.duplicates, DUPLICATES)
        for name in ("encoding", "time_format", "timezone", "frequency"):
            if getattr(self, name) == "":
                raise ValueError(f"{name} must not be empty: leave it out")
        if self.decimal is not None:
            check_choice("decimal", self.decimal, _MARKS)
        if self.thousands is not None:
            check_choice("thousands", self.thousands, _THOUSANDS)
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands must differ, got {self.decimal!r} for both")
        named = {"space": " ", "tab": "\t", "\\t": "\t"}
        separator = named.get(self.separator or "", self.separator)
        if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
            raise ValueError(
                f"separator must be one character, 'tab' or 'space', got {self.separator!r}"
            )
        object.__setattr__(self, "separator", separator)
