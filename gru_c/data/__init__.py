"""From the data that users give to batches that fit a model.

`inputs` decides once what the data is; `samples` checks arrays against the model; `batch_order`
draws the batches of an epoch; `batch_source` takes batches from an object.
"""
