"""Names of attributes: slips, names of Keras, and names that users choose."""

import inspect

import pytest
from attribute_cases import MADE_WITH, OTHER_CASES, arguments_of, other_value
from attribute_layer_cases import LAYER_CASES, example_of

import gru_c
import gru_c.interop.keras
from gru_c import (
    GRU,
    Bidirectional,
    Conv1D,
    Dropout,
    History,
    Sequential,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.forecast import Forecaster


def slips_of(name):
    middle = len(name) // 2
    yield name + name[-1]
    yield name[:middle] + name[middle + 1 :]
    yield name.replace("_", "") if "_" in name else name.upper()
    if name[middle - 1] != name[middle]:
        yield name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]


@pytest.mark.parametrize("cls", [*LAYER_CASES, *OTHER_CASES])
def test_a_slip_in_the_name_of_an_argument_is_refused(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_with = {**OTHER_CASES, **LAYER_CASES}[cls][0]
    obj = cls(**made_with)
    known = arguments_of(cls)
    for name in known:
        for slip in slips_of(name) if len(name) > 3 else ():
            if slip in known:
                continue
            with pytest.raises(AttributeError, match=f"{cls.__name__}.*{slip}"):
                setattr(obj, slip, 1)
            with pytest.raises(TypeError, match=slip):
                cls(**made_with, **{slip: 1})


OWN_NAMES = [
    "my_note",
    "note",
    "tag",
    "comment",
    "history_of_mine",
    "history2",
    "description",
    "author",
    "version",
    "created",
    "feature_names",
    "user_data",
    "kind",
    "role",
    "type",
    "group",
    "stage",
    "index",
    "color",
    "title",
    "info",
    "index_of_mine",
    "my_layers",
    "histories",
    "return_sequences_of_mine",
    "old_loss",
    "best_metrics",
    "my_rate",
    "extra",
    "parent",
    "experiment",
    "run_id",
    "notes",
]


@pytest.mark.parametrize("cls", [*LAYER_CASES, *OTHER_CASES, Sequential, History])
def test_names_that_are_the_users_own_are_accepted(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**{**OTHER_CASES, **LAYER_CASES}.get(cls, [{}])[0])
    slips = {"group"} if cls is Conv1D else set()  # which has groups
    for name in {*OWN_NAMES} - slips:
        for value in (1, 2):
            setattr(obj, name, value)
        assert getattr(obj, name) == 2
        delattr(obj, name)
        assert not hasattr(obj, name)


def test_the_right_name_is_in_the_message():
    for obj, slip, right in (
        (optimizers.Adam(), "learning_rat", "learning_rate"),
        (optimizers.Adam(), "beta1", "beta_1"),
        (optimizers.Adam(), "learn_rate", "learning_rate"),
        (GRU(3), "return_sequencess", "return_sequences"),
        (Sequential(), "optimiser", "optimizer"),
        (Sequential(), "metric", "metrics"),
        (callbacks.EarlyStopping(), "patients", "patience"),
        (callbacks.EarlyStopping(), "best_weight", "best_weights"),
        (History(), "histroy", "history"),
    ):
        with pytest.raises(AttributeError, match=f"no attribute '{slip}'; did you mean '{right}'"):
            setattr(obj, slip, None)
    with pytest.raises(AttributeError, match="did you mean 'on_epoch_end'"):
        callbacks.Callback().on_epoch_endd = print
    Sequential().scaler = optimizers.Adam().my_learning_rate = 3
    optimizers.Adam().steps = 3  # similar to a method, but not a function
    with pytest.raises(TypeError, match="did you mean 'units'"):
        GRU(unit=3)


def test_names_of_keras_that_mean_nothing_here():
    for obj, name, words in (
        (GRU(1), "unroll", "leave it out"),
        (GRU(1), "bias", "set_weights"),
        (GRU(1), "kernel", r"layer.value\(name\)\[...\] = array"),
        (GRU(1), "dtype_policy", "dtype="),
        (GRU(1), "state", "reset_states"),
        (Dropout(0.5), "seed", "set_seed"),
        (optimizers.Adam(), "loss_scale_factor", "leave it out"),
        (losses.Huber(), "size_average", "reduction="),
        (metrics.MeanSquaredError(), "dtype", "float64"),
        (callbacks.CSVLogger("log.csv"), "sep", "separator"),
        (callbacks.EarlyStopping(), "stop_training", "callback.model.stop_training"),
        (regularizers.L1(), "l2", "no such argument"),
        (initializers.Ones(), "value", "no such argument"),
    ):
        with pytest.raises(AttributeError, match=f"{type(obj).__name__}.{name} .*{words}"):
            setattr(obj, name, None)
    for make, words in (
        (lambda: optimizers.Adam(decay=0.1), "InverseTimeDecay"),
        (lambda: losses.MeanSquaredError(size_average=True), "reduction="),
        (lambda: optimizers.get({"class_name": "Adam", "config": {"b": 1}}), "arguments are"),
    ):
        with pytest.raises(TypeError, match=words):
            make()


KINDS = [
    [cls for cls in MADE_WITH if issubclass(cls, base)]
    for base in (
        gru_c.layers.Layer,
        optimizers.Optimizer,
        schedules.Schedule,
        losses.Loss,
        metrics.Metric,
        callbacks.Callback,
        regularizers.Regularizer,
        constraints.Constraint,
        initializers.Initializer,
    )
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0].__mro__[-3].__name__)
def test_an_argument_of_another_class_of_the_kind_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for cls in kind:
        if cls is callbacks.Callback:
            continue
        others = {name for other in kind for name in arguments_of(other)} - {*arguments_of(cls)}
        for name in others - {"trainable"}:  # which all layers have
            obj = cls(**MADE_WITH[cls])
            with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} "):
                setattr(obj, name, 1)
            fresh = cls(**MADE_WITH[cls])
            assert repr(vars(obj).get(name, "no")) == repr(vars(fresh).get(name, "no"))


def test_names_of_other_libraries_are_refused_with_those_of_this_one():
    for obj, names, words in (
        (optimizers.Adam(), "eps", "epsilon"),
        (optimizers.Adam(), "betas", "beta_1 and beta_2"),
        (optimizers.SGD(), "lrate l_rate", "learning_rate"),
        (optimizers.RMSprop(), "alpha", "rho"),
        (optimizers.SGD(), "maximize dampening foreach", "leave it out"),
        (GRU(1), "hidden_size", "units"),
        (GRU(1), "engine", "gru_forward"),
        (GRU(1), "num_threads", "set_num_threads"),
        (GRU(1), "mask lengths initial_state", "argument of the layer's forward"),
        (GRU(1), "batch_first", "time_major"),
        (Dropout(0.5), "p", "rate"),
        (Sequential(), "lr learning_rate momentum clipnorm", "optimizer"),
        (Sequential(), "epochs callbacks shuffle verbose", "argument of fit"),
        (losses.MeanSquaredError(), "size_average", "reduction=.sum_over_batch_size"),
        (schedules.CosineDecay(0.1, 10), "learning_rate", "initial_learning_rate"),
        (optimizers.Adam(), "momentum", "no such argument .RMSprop, SGD have it"),
        (losses.Huber(), "from_logits", "BinaryCrossentropy, .* have it"),
        (initializers.GlorotUniform(), "gain", "Identity, Orthogonal have it"),
    ):
        for name in names.split():
            with pytest.raises(AttributeError, match=f"{type(obj).__name__}.{name} .*{words}"):
                setattr(obj, name, 0.5)
    with pytest.raises(TypeError, match="'eps': here it is epsilon"):
        optimizers.Adam(eps=0.5)


def test_a_users_class_has_arguments_of_other_classes_as_its_names():
    class Rate(callbacks.Callback):
        pass

    class Plain(gru_c.layers.Layer):
        pass

    for obj in (Rate(), Plain(), callbacks.Callback()):
        obj.patience = obj.rate = 3
        assert (obj.patience, obj.rate) == (3, 3)

    class Mine(optimizers.Adam):
        def __init__(self, rho):
            super().__init__()
            self.rho = rho

    mine = Mine(0.5)
    mine.rho = 0.25
    assert mine.rho == 0.25
    with pytest.raises(AttributeError, match=r"Mine.momentum .*has no such argument"):
        mine.momentum = 0.5


@pytest.mark.parametrize("built", [False, True])
def test_settings_of_both_directions_are_refused_with_what_to_do(built):
    both = Bidirectional(GRU(2, stateful=True))
    if built:
        both.build((None, 3, 2))
    before = both.get_config()
    for name in {*arguments_of(GRU)} - {*arguments_of(Bidirectional)}:
        words = rf"Bidirectional.{name} .*make a new Bidirectional\(GRU\(..., {name}=...\)"
        with pytest.raises(AttributeError, match=words):
            setattr(both, name, other_value(GRU, name))
    for name, words in (("cell", "make a new Bidirectional"), ("state", "reset_states")):
        with pytest.raises(AttributeError, match=words):
            setattr(both, name, None)
    assert both.get_config() == before
    both.trainable = False
    if not built:
        both.merge_mode = "sum"
        assert both.get_config()["merge_mode"] == "sum"


@pytest.mark.parametrize("cls", [*MADE_WITH, History])
def test_a_method_gives_way_to_a_function_alone(cls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    obj = cls(**MADE_WITH.get(cls, {}))
    methods = [n for n in dir(cls) if n[0] != "_" and inspect.isroutine(getattr(cls, n))]
    for name in methods:
        for value in ("exp-17", 3, None):
            with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} is a method"):
                setattr(obj, name, value)
        setattr(obj, name, print)
        assert getattr(obj, name) is print
        delattr(obj, name)
        assert getattr(obj, name) is not print


@pytest.mark.parametrize("cls", LAYER_CASES)
def test_what_a_layer_keeps_for_itself_is_refused(cls):
    layer = cls(**MADE_WITH[cls])
    for name in ("prefix", "owned", "part_of", "takes_mask", "makes_mask", "not_kept"):
        with pytest.raises(AttributeError, match=f"{cls.__name__}.{name} .*take another name"):
            setattr(layer, name, "enc")
    if hasattr(layer, "rng"):
        with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, got 'enc'"):
            layer.rng = "enc"
    layer(example_of(layer))


def test_words_of_users_that_are_near_to_known_names():
    for obj, names in (
        (Sequential(), "seeds history_ layer names metrics_ parameter labels"),
        (GRU(1), "seeds names labels units_"),
        (callbacks.Callback(), "mode models"),
        (callbacks.CSVLogger("log.csv"), "models"),
        (Forecaster(4, 1), "seeds models windows"),
    ):
        for name in names.split():
            setattr(obj, name, "mine")
            assert getattr(obj, name) == "mine"
    stop = callbacks.EarlyStopping()
    stop.models = []
    with pytest.raises(AttributeError, match="mode cannot change"):
        stop.mode = "max"


def test_what_one_object_has_says_nothing_of_others():
    class Fresh(optimizers.Adam):
        pass

    with_it, other = Fresh(), Fresh()
    vars(with_it)["learning_rat"] = 1  # as from an old pickle
    with_it.learning_rat = 2
    with pytest.raises(AttributeError, match="did you mean 'learning_rate'"):
        other.learning_rat = 3
    with_it.learning_rat = 4
    assert vars(with_it)["learning_rat"] == 4

    class Hooked(callbacks.Callback):
        pass

    first, second = Hooked(), Hooked()
    first.on_epoch_endd = 3
    for _ in range(2):
        with pytest.raises(AttributeError, match="did you mean 'on_epoch_end'"):
            second.on_epoch_endd = print
        second.on_epoch_ende = 3
        del second.on_epoch_ende
    first.on_epoch_endd = print  # which it has


def test_decay_of_old_keras_is_the_schedule_that_is_named():
    rate = schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)
    assert [rate(step) for step in range(4)] == [0.1 / (1 + 0.5 * step) for step in range(4)]


@pytest.mark.parametrize("cls", optimizers.OPTIMIZERS.values())
def test_lr_is_the_old_name_of_learning_rate(cls):
    optimizer = cls()
    with pytest.warns(FutureWarning, match="lr is the old name of learning_rate") as seen:
        optimizer.lr = 0.5
    assert seen[0].filename == __file__
    with pytest.warns(FutureWarning, match="old name") as seen:
        optimizer.lr *= 0.5
    assert {warning.filename for warning in seen} == {__file__}
    assert optimizer.learning_rate == 0.25
    assert "lr" not in vars(optimizer)
    with pytest.warns(FutureWarning, match="old name") as seen:
        assert cls(lr=0.125).learning_rate == 0.125
    assert seen[0].filename == __file__
    with pytest.warns(FutureWarning, match="old name"):
        made = optimizers.get({"class_name": cls.__name__, "config": {"lr": 0.125}})
    assert made.learning_rate == 0.125
    with pytest.raises(TypeError, match="give one of them"):
        cls(lr=0.1, learning_rate=0.1)
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="learning rate"):
        optimizer.lr = -1


def test_what_belongs_to_an_object_cannot_be_deleted():
    layer = GRU(3)
    for name in ("units", "built", "kernel"):
        with pytest.raises(AttributeError):
            delattr(layer, name)
    layer.forward = lambda *_: 1  # in place of the method, as for a test
    assert layer.forward(2) == 1
    del layer.forward
    assert layer.units == 3
