"""Methods with the names of Keras 2, and advice for names that gru_c does not have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from gru_c.models.described import DescribedModel
from gru_c.training.history import History

_CLASSES = (
    "model.predict(x) returns the probabilities; model.predict(x).argmax(axis=-1) are the classes "
    "of a softmax, (model.predict(x) > 0.5).astype(int) those of a sigmoid"
)
_MISSING = {
    "predict_classes": _CLASSES,
    "predict_proba": "call model.predict(x), which returns the probabilities",
    "export": "call gru_c.interop.onnx.export or model.save",
    "quantize": "give layers inference_weights= to keep smaller weights while predicting",
    "train_step": "call model.train_on_batch(x, y)",
    "test_step": "call model.test_on_batch(x, y)",
    "predict_step": "call model.predict_on_batch(x)",
    "compute_loss": "call model.evaluate(x, y), or model.loss(y, y_predicted)",
}


class Keras2Model(DescribedModel):
    """Base of `Sequential`: methods that pass their arguments on to those of `Sequential`."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    @property
    def input(self) -> Any:
        """The symbolic tensor of the input."""
        return self.chain_graph().inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic tensor of the output."""
        return self.chain_graph().outputs[0]

    @property
    def inputs(self) -> list[Any]:
        """The symbolic tensors of the inputs."""
        return [self.input]

    @property
    def outputs(self) -> list[Any]:
        """The symbolic tensors of the outputs."""
        return [self.output]

    if not TYPE_CHECKING:  # a type checker would accept any name

        def __getattr__(self, name: str) -> NoReturn:
            advice = _MISSING.get(name)
            words = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(f"{words}: {advice}" if advice else words, name=name, obj=self)

    def fit_generator(
        self: Any,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: str | int = 1,
        callbacks: object = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: int | Collection[int] = 1,
        class_weight: Mapping[int, float] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> History:
        """Train on a source of batches: the name in Keras 2 of `fit`, whose arguments these are.

        max_queue_size, workers and use_multiprocessing change no result and are ignored.
        """
        history: History = self.fit(
            generator,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            class_weight=class_weight,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
        )
        return history

    def evaluate_generator(
        self: Any,
        generator: Any,
        steps: int | None = None,
        callbacks: object = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: str | int = 0,
    ) -> Any:
        """Evaluate a source of batches: the name in Keras 2 of `evaluate`; see `fit_generator`."""
        return self.evaluate(generator, verbose=verbose, steps=steps, callbacks=callbacks)

    def predict_generator(
        self: Any,
        generator: Any,
        steps: int | None = None,
        callbacks: object = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: str | int = 0,
    ) -> Any:
        """Return the outputs for a source of batches: the name in Keras 2 of `predict`."""
        return self.predict(generator, verbose=verbose, steps=steps, callbacks=callbacks)
