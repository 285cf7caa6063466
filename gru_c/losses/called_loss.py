"""`CalledLoss`: the base of users' losses that define ``call``, as for Keras."""

from __future__ import annotations

from typing import Any

from gru_c.losses.base import Loss
from gru_c.losses.user_function import FunctionLoss


class CalledLoss(FunctionLoss):
    """A loss whose values are those of the user's ``call``, which gru_c differentiates.

    Parameters
    ----------
    reduction, name
        As for `Loss`.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        Loss.__init__(self, reduction, name)
        if self.reduction not in ("sum_over_batch_size", "mean"):
            raise ValueError(
                f"{type(self).__name__}: a loss with its own call takes the mean of the values, "
                f"got reduction={reduction!r}: sum them in call, or define per_sample instead"
            )

    @property
    def function(self) -> Any:  # type: ignore[override]
        """The user's ``call``."""
        return self.call  # type: ignore[attr-defined]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; see `Configurable.get_config`."""
        return super(FunctionLoss, self).get_config()
