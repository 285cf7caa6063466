"""From the data that users pass in to batches that fit a model.

`inputs` decides once what kind of data it is; `samples` checks arrays against the model and cuts
them into batches; `batch_order` describes the batches of an epoch; `batch_source` takes batches
from an object.
"""
