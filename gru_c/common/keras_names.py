"""Names of Keras and other libraries that have no meaning here, and what to do instead.

`common.attributes` refuses such an attribute, and such an argument of a constructor, because it
would have no effect. A name that a class itself defines takes precedence. Arguments that change no
result in Keras either are accepted: see `is_without_effect`.
"""

from __future__ import annotations

from collections.abc import Collection

_NOTHING = "Keras has it, gru_c does not: leave it out"
_SPEED = "in Keras it changes only the speed, here it would change nothing: leave it out"
_WEIGHTS = (
    "set the weights with set_weights, or one of them in place: layer.value(name)[...] = array"
)
_DTYPE = "give dtype='float32' or dtype='float64' to the constructor of the layer or the model"
_SHAPE = "give input_shape=(...) to the constructor of the first layer"
_TRAINING = "call the layer or the model with training=True or training=False"
_MEAN = "give reduction='sum_over_batch_size', 'sum' or None to the constructor"
_TARGETS = (
    "gru_c does not have it: change the targets, or derive a class from gru_c.losses.base.Loss"
)
_STATES = "call reset_states(states)"


def _table(*groups: tuple[str, str]) -> dict[str, str]:
    return {name: advice for names, advice in groups for name in names.split()}


LAYER = _table(
    (
        "kernel recurrent_kernel bias embeddings gamma beta moving_mean moving_variance weights "
        "variables trainable_variables non_trainable_variables trainable_weights "
        "non_trainable_weights torch_params",
        _WEIGHTS,
    ),
    ("dtype_policy compute_dtype variable_dtype input_dtype", _DTYPE),
    (
        "unroll implementation use_cudnn jit_compile supports_jit sparse experimental_autocast "
        "autocast",
        _SPEED,
    ),
    (
        "input_spec batch_input_shape batch_shape input_length input_tensor tensor input output "
        "inputs outputs "
        "output_shape",
        _SHAPE,
    ),
    ("mask lengths initial_state", "it is an argument of the layer's forward and of its call"),
    ("engine", "a layer takes the fastest one, gru_forward has an argument for it"),
    ("num_threads", "call gru_c.set_num_threads"),
    ("hidden_size out_features", "here it is units, an argument of the constructor"),
    ("num_embeddings", "here it is input_dim, an argument of the constructor"),
    ("embedding_dim", "here it is output_dim, an argument of the constructor"),
    ("padding_idx", "here it is mask_zero=True, for index 0"),
    ("eps", "here it is epsilon"),
    ("input_size in_features normalized_shape", _SHAPE),
    ("num_layers", "give the model a layer for each"),
    ("bidirectional", "put the layer into a Bidirectional"),
    ("batch_first", "time_major=True of the constructor is batch_first=False"),
    ("max_norm", "give embeddings_constraint= or kernel_constraint= to the constructor"),
    ("training", _TRAINING),
    ("states", _STATES),
    (
        "axes beta_regularizer gamma_regularizer beta_constraint gamma_constraint rms_scaling "
        "call_signature_parameters data_format dynamic lora_alpha lora_enabled lora_rank losses "
        "metrics metrics_variables noise_shape quantization_config quantization_mode quantize "
        "renorm renorm_clipping renorm_momentum "
        "seed_generator single_state state_size supports_masking variable_serialization_spec "
        "synchronized "
        "optional ragged elementwise_affine inplace norm_type proj_size scale_grad_by_freq",
        _NOTHING,
    ),
)

MODEL = {
    **LAYER,
    **_table(
        ("steps_per_execution", _SPEED),
        ("run_eagerly", "there is no compiled graph, every model runs eagerly: leave it out"),
        ("compiled compiled_loss compiled_metrics", "call compile"),
        ("activity_regularizer", "give it to the constructor of the layer whose output it is for"),
        (
            "learning_rate lr momentum nesterov beta_1 beta_2 rho epsilon centered weight_decay "
            "clipnorm clipvalue global_clipnorm betas lrate l_rate",
            "the optimizer has it: set model.optimizer.learning_rate, for one, or call compile",
        ),
        (
            "epochs initial_epoch verbose callbacks shuffle bucket lengths validation_split "
            "validation_data validation_steps validation_freq validation_batch_size "
            "steps_per_epoch sample_weight class_weight bptt_steps resume",
            "it is an argument of fit",
        ),
        (
            "auto_scale_loss distribute_strategy input_names output_names metrics_names "
            "make_predict_function make_test_function make_train_function predict_function "
            "stop_evaluating stop_predicting test_function train_function",
            _NOTHING,
        ),
    ),
}

# Arguments of methods.
METHOD = _table(
    ("nb_epoch", "since Keras 2 it is epochs"),
    ("nb_worker nb_val_worker pickle_safe", "Keras 1 had it: leave it out"),
    ("samples_per_epoch", "since Keras 2 it is steps_per_epoch, a number of batches"),
    ("nb_val_samples val_samples", "since Keras 2 it is validation_steps or steps, of batches"),
    ("show_accuracy", "give compile metrics=['accuracy']"),
    ("class_mode", "the loss says it: loss='binary_crossentropy' or 'categorical_crossentropy'"),
    (
        "by_name",
        "weights are loaded layer by layer in their order: to load a part, copy the weights with "
        "model.get_layer(name).set_weights(other.get_layer(name).get_weights())",
    ),
    ("skip_mismatch", "all weights of a file must fit, so nothing is left at random: leave it out"),
    ("zipped", "a .keras file is always a zip: leave it out"),
    ("max_shard_size", "the weights are always in one file: leave it out"),
    ("save_format", "the suffix of the file's name says it"),
    ("options save_traces signatures", "it is for TensorFlow's files: leave it out"),
    ("reset_metrics", "call model.reset_metrics()"),
    ("lr learning_rate", "give it to the optimizer: compile(optimizers.Adam(0.001), ...)"),
    ("target_tensors sample_weight_mode", _NOTHING),
)

# Arguments of the constructors of layers in Keras 1.
KERAS1 = _table(
    ("init", "since Keras 2 it is kernel_initializer"),
    ("output_dim", "since Keras 2 it is units"),
    ("inner_init", "since Keras 2 it is recurrent_initializer"),
    ("inner_activation", "since Keras 2 it is recurrent_activation"),
    ("W_regularizer", "since Keras 2 it is kernel_regularizer"),
    ("U_regularizer", "since Keras 2 it is recurrent_regularizer"),
    ("b_regularizer", "since Keras 2 it is bias_regularizer"),
    ("W_constraint", "since Keras 2 it is kernel_constraint"),
    ("b_constraint", "since Keras 2 it is bias_constraint"),
    ("dropout_W", "since Keras 2 it is dropout"),
    ("dropout_U", "since Keras 2 it is recurrent_dropout"),
    ("p", "since Keras 2 it is rate"),
    ("sigma", "since Keras 2 it is stddev"),
    ("nb_filter", "since Keras 2 it is filters"),
    ("filter_length", "since Keras 2 it is kernel_size"),
    ("border_mode", "since Keras 2 it is padding"),
    ("subsample_length", "since Keras 2 it is strides"),
    ("atrous_rate", "since Keras 2 it is dilation_rate"),
    ("pool_length", "since Keras 2 it is pool_size"),
    ("stride", "since Keras 2 it is strides"),
    ("consume_less forget_bias_init", "Keras 1 had it: leave it out"),
)

OPTIMIZER = _table(
    (
        "decay",
        "give learning_rate=schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=decay), "
        "which is what decay was",
    ),
    ("jit_compile", _SPEED),
    ("eps", "here it is epsilon"),
    ("betas", "here they are beta_1 and beta_2"),
    ("alpha", "here it is rho, of RMSprop"),
    ("lrate l_rate", "here it is learning_rate"),
    ("params", "build is given them"),
    ("clip max_grad_norm", "give one of clipnorm, global_clipnorm and clipvalue"),
    ("variables weights built", "the state is made by build and kept in slots"),
    (
        "loss_scale_factor capturable dampening decoupled_weight_decay differentiable "
        "foreach fused maximize",
        _NOTHING,
    ),
)

LOSS = _table(
    ("reduce size_average", _MEAN),
    ("weight pos_weight class_weight ignore_index", "give fit a sample_weight"),
    ("dtype", "every loss is computed in float64"),
    ("axis", "classes are on the last axis of the output"),
    ("ignore_class", _TARGETS),
    ("fn", "derive a class from gru_c.losses.base.Loss, or give compile a function"),
)

METRIC = _table(
    ("dtype", "every metric is summed in float64"),
    ("axis", "classes are on the last axis of the output"),
    ("fn", "derive a class from gru_c.metrics.Metric, or give compile a function"),
    (
        "total count variables accumulator true_positives false_positives true_negatives "
        "false_negatives num_samples squared_sum total_mse intermediate_weights",
        "call reset_state, update_state and set_state",
    ),
    ("init_thresholds confusion_matrix_cond", "give thresholds= to the constructor"),
    ("from_logits label_smoothing ignore_class", "give it to the loss, and that to MeanOfLoss"),
    ("from_sorted_ids", _NOTHING),
)

CALLBACK = _table(
    ("stop_training", "set the model's: callback.model.stop_training = True"),
    ("sep", "give separator= to the constructor"),
    ("epsilon", "give min_delta= to the constructor"),
    ("period", "give save_freq= to the constructor"),
    ("monitor_op", "give mode='min' or mode='max' to the constructor"),
    (
        "append_header baseline csv_file embeddings_freq embeddings_metadata histogram_freq "
        "options profile_batch summary write_graph write_images write_steps_per_second writer",
        _NOTHING,
    ),
)

SCHEDULE = _table(
    ("name last_epoch", _NOTHING),
    ("learning_rate lr", "give initial_learning_rate= to the constructor"),
    ("gamma", "give decay_rate= to the constructor"),
    ("step_size T_max", "give decay_steps= to the constructor"),
    ("eta_min", "give CosineDecay alpha=, the share of the rate that stays"),
)
INITIALIZER = _table(
    (
        "distribution mode scale input_axes output_axes dtype",
        "take the class that has it in its name, such as GlorotUniform",
    ),
)

# Arguments that change the speed in Keras, or nothing, by the class or method that has them. They
# are accepted with any value and have no effect.
_WITHOUT_EFFECT = {
    "Layer": "autocast experimental_autocast",
    **dict.fromkeys(("GRU", "LSTM"), "unroll implementation use_cudnn"),
    "SimpleRNN": "unroll",
    **dict.fromkeys(("GRUCell", "LSTMCell"), "implementation"),
    "RNN": "unroll",
    "Embedding": "input_length sparse",
    "Input": "sparse ragged optional",
    "Optimizer": "jit_compile",
    "add": "rebuild",
    "pop": "rebuild",
    "Schedule": "name",
    "TensorBoard": "write_graph",
    "compile": "run_eagerly jit_compile steps_per_execution auto_scale_loss",
    "fit": "workers use_multiprocessing max_queue_size",
    "evaluate": "workers use_multiprocessing max_queue_size",
    "predict": "workers use_multiprocessing max_queue_size",
}
# Arguments that Keras has and gru_c does not have, with the values that have no effect in Keras. A
# name with a class before it is for the constructors of that class and of those derived from it.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "data_format": ("channels_last", None),
    "axis": (-1,),
    "Optimizer.decay": (0,),
    "zipped": (True, None),
    "profile_batch": (0, False, None),
    **dict.fromkeys(("histogram_freq", "embeddings_freq"), (0,)),
    **dict.fromkeys(
        (
            *("dynamic", "rms_scaling", "by_name", "skip_mismatch", "from_sorted_ids"),
            *("renorm", "synchronized", "write_images", "write_steps_per_second"),
        ),
        (False,),
    ),
    **dict.fromkeys(
        (
            *("lora_rank", "lora_alpha", "quantization_config", "noise_shape", "input_tensor"),
            *("tensor", "weights", "loss_weights", "weighted_metrics", "sample_weight_mode"),
            *("target_tensors", "class_weight", "max_shard_size", "save_format"),
            *("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"),
            *("renorm_clipping", "ignore_class", "loss_scale_factor", "input_axes"),
            *("output_axes", "embeddings_metadata", "dtype"),
        ),
        (None,),
    ),
}


def is_without_effect(owners: Collection[str], name: str, value: object) -> bool:
    """Return True if an argument changes no result in Keras, so that it is accepted here.

    Parameters
    ----------
    owners : collection of str
        The method that has the argument, or the class of the constructor and its bases.
    name : str
        The argument.
    value : object
        Its value.
    """
    if any(name in _WITHOUT_EFFECT.get(owner, "").split() for owner in owners):
        return True
    keys = (name, *(f"{owner}.{name}" for owner in owners))
    return isinstance(value, (str, int, float, type(None))) and any(
        value in _NEUTRAL.get(key, ()) for key in keys
    )


# Losses, metrics, optimizers, activations and others that Keras has and gru_c does not have, in
# lower case without "_". Such a name is not a slip for the nearest name, which means another thing.
OTHERS = frozenset(
    _table(
        (
            "adafactor adaptiveaveragepooling1d adaptivemaxpooling1d alphadropout binaryiou "
            "categoricalgeneralizedcrossentropy categoryencoding celu circle "
            "concordancecorrelation conv1dtranspose convolution1dtranspose cosineproximity "
            "depthwiseconv1d dice discretization einsumdense flaxlayer ftrl glu "
            "groupnormalization groupqueryattention hardshrink hashedcrossing hashing highway "
            "inputspec iou jaxlayer kerastensor lamb lossscaleoptimizer maxoutdense "
            "meaniou meanmetricwrapper melspectrogram multioptimizer muon onehotiou onehotmeaniou "
            "orbaxcheckpoint pearsoncorrelation precisionatrecall progbarlogger recallatprecision "
            "remotemonitor reversibleembedding rmsnormalization schedulefreeadamw "
            "sensitivityatspecificity separableconv1d separableconvolution1d "
            "softshrink sparsemax sparseplus sparsesigmoid specificityatsensitivity "
            "spectralnormalization squareplus stft stftinitializer stftspectrogram tanhshrink "
            "tfsmlayer threshold timedistributeddense torchmodulewrapper tversky "
            "unitnormalization",
            _NOTHING,
        )
    )
)
