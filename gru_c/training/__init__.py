"""The loops of fit, evaluate and predict.

`fit` goes over epochs, `step` takes one optimizer step, `run` calls the callbacks and writes the
`checkpoint`, `processes` is the interface to other processes that train the same model.
"""
