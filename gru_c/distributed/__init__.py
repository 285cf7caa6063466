"""Training in several processes with MPI, and prediction of Dask arrays.

``pip install "gru_c[mpi]"`` is for training, ``pip install "gru_c[dask]"`` for prediction.

>>> from gru_c import Dense, GRU, Sequential
>>> from gru_c.distributed import DataParallel
>>> import numpy as np
>>> X, y = np.random.randn(100, 10, 8), np.random.randn(100)
>>> model = Sequential([GRU(50, input_shape=(10, 8)), Dense(1)])
>>> model.compile("adam", "mse")
>>> history = model.fit(X, y, verbose=0, distribution=DataParallel())
"""

from gru_c.distributed.dask_predict import predict
from gru_c.distributed.data_parallel import DataParallel, RankError

__all__ = ["DataParallel", "RankError", "predict"]
