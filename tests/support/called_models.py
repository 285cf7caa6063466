"""Subclasses of `Model` and `Layer` as users of Keras write them, for either library."""

from types import SimpleNamespace


def classes(library, ops):
    """Return classes made of a library's layers, models and functions."""
    layers, Model = library.layers, library.Model

    class Stacked(Model):
        def __init__(self, units=5, **options):
            super().__init__(**options)
            self.first = layers.GRU(units, return_sequences=True)
            self.drop = layers.Dropout(0.5)
            self.second = layers.GRU(4)
            self.head = layers.Dense(1)

        def call(self, inputs, training=None):
            x = self.drop(self.first(inputs), training=training)
            return self.head(self.second(x))

    class Branches(Model):
        def __init__(self):
            super(Branches, self).__init__()  # noqa: UP008 - as in old programs
            self.join = layers.Concatenate()
            self.heads = {"number": layers.Dense(1), "class": layers.Dense(3, "softmax")}
            self.facts = layers.Dense(4)
            self.series = layers.GRU(4)

        def call(self, inputs, mask=None):
            series, facts = inputs
            x = self.join([self.series(series), self.facts(facts)])
            return self.heads["number"](x), self.heads["class"](x)

    class Named(Model):
        def __init__(self):
            super().__init__(name="named")
            self.gru, self.head = layers.GRU(3), layers.Dense(1)

        def call(self, inputs):
            return {"total": self.head(self.gru(inputs["series"]) + 1)}

    class Words(Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(9, 4, mask_zero=True)
            self.grus = [layers.GRU(4, return_sequences=True) for _ in range(2)]
            self.head = layers.Dense(3, "softmax")

        def call(self, x):
            x = self.embedding(x)
            for gru in self.grus:
                x = gru(x) + x
            return self.head(x[:, -1])

    class Encoder(Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(9, 4)
            self.gru = layers.GRU(6, return_sequences=True, return_state=True)

        def call(self, x):
            output, state = self.gru(self.embedding(x))
            return output, state

    class Attention(layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.of_query, self.of_values = layers.Dense(units), layers.Dense(units)
            self.score = layers.Dense(1)

        def call(self, query, values):
            hidden = self.of_query(ops.expand_dims(query, 1)) + self.of_values(values)
            weights = ops.softmax(self.score(ops.tanh(hidden)), axis=1)
            return ops.sum(weights * values, axis=1), weights

    class Decoder(Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(9, 4)
            self.gru = layers.GRU(6, return_sequences=True)
            self.attention = Attention(5)
            self.head = layers.Dense(9, "softmax")

        def call(self, x, state, values):
            context, _ = self.attention(state, values)
            y = self.gru(self.embedding(x), initial_state=state)
            return self.head(y + ops.expand_dims(context, 1))

    class Translator(Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = Encoder(), Decoder()

        def call(self, inputs):
            source, target = inputs
            output, state = self.encoder(source)
            return self.decoder(target, state, output)

    class Pooled(layers.Layer):
        """One input, two outputs."""

        def call(self, x):
            return ops.mean(x, axis=1), ops.max(x, axis=1)

    class Joined(layers.Layer):
        """A list of inputs, and a layer made in build."""

        def build(self, input_shape):
            self.dense = layers.Dense(input_shape[0][-1], "sigmoid")

        def call(self, inputs):
            a, b = inputs
            gate = self.dense(ops.concatenate([a, b], axis=-1))
            return gate * a + (1 - gate) * b

    return SimpleNamespace(**{k: v for k, v in locals().items() if isinstance(v, type)})
