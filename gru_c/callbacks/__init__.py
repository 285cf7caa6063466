"""Callbacks, which are called while a model trains, with Keras's names, arguments and defaults.

>>> import numpy as np
>>> from gru_c import Dense, GRU, Sequential, callbacks
>>> X, y = np.random.randn(100, 10, 8), np.random.randn(100)
>>> model = Sequential([GRU(8, input_shape=(10, 8)), Dense(1)], seed=0)
>>> model.compile("adam", "mse")
>>> stop = callbacks.EarlyStopping(patience=5, restore_best_weights=True)
>>> history = model.fit(X, y, epochs=9, validation_split=0.2, verbose=0, callbacks=[stop])
"""

from gru_c.callbacks.backup import BackupAndRestore
from gru_c.callbacks.base import Callback, CallbackList, LambdaCallback, Logs
from gru_c.callbacks.csv_logger import CSVLogger
from gru_c.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from gru_c.callbacks.model_checkpoint import ModelCheckpoint
from gru_c.callbacks.stopping import EarlyStopping, TerminateOnNaN
from gru_c.callbacks.tensorboard import TensorBoard
from gru_c.common.missing_names import explain_missing

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]


__getattr__ = explain_missing(__name__, __all__)
