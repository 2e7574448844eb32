"""What other tools call options and methods, and what there is here: tables for `hint`.

Words that name an activation, a cost, an initialiser or a schedule's option stand beside these.
"""

from numbers import Integral
from typing import Any

from chainrule.checks.words import words

_TO_FIT = "It is an option of fit(...)."
_TO_NETWORK = "It is an option of Network(...)"
_CPU = "All runs on the CPU."
_SEED = "Use Network(..., seed=...), which decides the initial parameters, shuffle and dropout."
_PARAMETERS = "Use net.parameters, one vector, or net.weights and net.biases, its views by layers."
_SIZES = "Use sizes, such as Network([784, 30, 10]): inputs, hidden layers, outputs."

OF_OPTIMIZERS = words(
    {
        "Use learning_rate=...": "lr eta learning_rate_init initial_learning_rate base_lr",
        _TO_FIT: "l1 l2 clip_norm clip_value max_norm average batch_size epochs",
        "Use beta1=... and beta2=...": "betas",
        "SGD has momentum=...; Adam and its kin have beta1=...": "momentum",
        "There is no AMSGrad here.": "amsgrad",
        "Use epsilon=...": "eps",
        "Use AdamW(weight_decay=...), or fit(..., l2=...), which adds l2·W to the gradient "
        "(biases do not decay).": "weight_decay",
        "Use fit(..., clip_norm=...).": "clipnorm global_clipnorm max_grad_norm",
        "Use fit(..., clip_value=...).": "clipvalue",
        "Use fit(..., average=...).": "use_ema ema_momentum",
        "Leave it out: the network's parameters are trained.": "params parameters",
        "RMSprop has rho=...": "alpha decay_rate",
        "Rprop has shrink=... and grow=...": "etas",
        "Rprop has min_step=... and max_step=...": "step_sizes",
    }
)

OF_SCHEDULES = OF_OPTIMIZERS | words(
    {
        "Use learning_rate=..., the highest.": "max_lr",
        "StepDecay, ExponentialDecay and ReduceOnPlateau have factor=...": "gamma decay_rate",
        "Use epochs=...: schedules count epochs, not steps.": "step_size T_max decay_steps "
        "total_steps first_decay_steps",
        "CosineDecay and FlatCosine have final_rate=..., ReduceOnPlateau min_rate=...": ""
        "eta_min min_lr",
        "OneCycle has rise=...": "pct_start",
        "InverseScaling has power=...": "power_t",
        "The monitor says which way is better.": "mode",
    }
)

OF_FULL_BATCH = words(
    {
        "There is no learning rate to choose.": "learning_rate lr eta learning_rate_init",
        "Use tolerance=...": "tol gtol ftol tolerance_grad tolerance_change",
        "Use history=... of LBFGS.": "history_size m maxcor memory",
        "Use damping=... of LevenbergMarquardt.": "mu lambda_ lam",
        "Use fit(..., epochs=...): each is one iteration.": "epochs max_iter maxiter max_eval",
        _TO_FIT: "l2 batch_size",
    }
)

OF_FIT = {
    word: f"Give it to the optimizer: fit(..., optimizer=chainrule.{example})."
    for example, its in {
        "SGD(learning_rate=0.1)": "learning_rate lr eta learning_rate_init",
        "SGD(chainrule.StepDecay(0.1))": "schedule scheduler lr_scheduler lr_schedule "
        "learning_rate_schedule",
        "SGD(0.1, momentum=0.9)": "momentum",
        "SGD(0.1, momentum=0.9, nesterov=True)": "nesterov nesterovs_momentum",
        "Adam(beta1=0.9)": "beta1 beta_1",
        "Adam(beta2=0.999)": "beta2 beta_2",
        "Adam(beta1=0.9, beta2=0.999)": "betas",
        "Adam(epsilon=1e-8)": "epsilon eps",
        "AdamW(weight_decay=0.01)": "weight_decay",
        "LBFGS(tolerance=1e-8)": "tolerance",
    }.items()
    for word in its.split()
} | words(
    {
        "Use fit(..., callbacks=chainrule.EarlyStopping()).": "early_stopping",
        "Use fit(..., callbacks=chainrule.EarlyStopping(patience=10)).": "patience "
        "n_iter_no_change early_stopping_rounds",
        "Use fit(..., callbacks=chainrule.EarlyStopping(min_change=1e-4)).": "tol min_delta",
        "Use fit(..., epochs=...).": "max_iter nb_epoch n_epochs num_epochs max_epochs n_iter "
        "iterations",
        "Use fit(..., batch_size=...).": "mini_batch_size minibatch_size",
        "Use fit(..., validation_split=...).": "validation_fraction val_split test_size",
        "Use fit(..., validation_data=(X, y)).": "eval_set val_data valid_data",
        "Use fit(..., l2_of_batch=alpha), or l2, which does not change with the batch.": "alpha",
        "Use fit(..., l2=...).": "reg_lambda lambda_l2 kernel_regularizer",
        "Use fit(..., l1=...).": "lambda_l1 reg_alpha",
        "Use fit(..., dropout=...).": "dropout_rate drop",
        "Use fit(..., sample_weight=...).": "weights weight sample_weights",
        "Use fit(..., clip_norm=...).": "max_grad_norm gradient_clip_val grad_clip",
        "Use fit(..., threads=...), or nothing: it takes as many as are worth it.": "n_jobs "
        "num_workers workers nthread n_threads",
        _CPU: "device devices accelerator gpu gpus",
        "Use fit(..., progress=True).": "verbose verbosity disp",
        "It goes on where the last fit stopped.": "warm_start initial_epoch",
        f"{_TO_NETWORK}: Network(..., cost=...).": "loss criterion loss_fn objective",
        _SEED: "random_state random_seed",
    }
)

OF_NETWORK = OF_FIT | words(
    {
        f"{_TO_FIT[:-1]}: chainrule.Adam(), for example.": "solver",
        "Use hidden=... for the hidden layers, output=... for the last.": "activation "
        "activations hidden_activation activation_function",
        "Use output=...": "output_activation out_activation final_activation",
        _SIZES: "layers layer_sizes hidden_layer_sizes hidden_layers hidden_sizes n_hidden units "
        "n_units n_layers hidden_size hidden_dim input_dim input_size input_shape n_inputs "
        "output_size output_dim n_outputs in_features out_features",
        "Use cost=...": "loss criterion loss_fn objective",
        "Use seed=...": "random_state random_seed",
        "Use init=...": "initializer initialization kernel_initializer weight_init weights_init",
        "Use bias=...": "use_bias fit_intercept",
        "Use input_scale='standard', output_scale='standard'.": "normalize standardize scaler "
        "normalization scale standard_scale",
        "Use output_scale='standard'.": "target_scale y_scale standardize_targets",
    }
)


def sizes_in_a_list(values: tuple[Any, ...]) -> str:
    """Return what to write for the sizes of layers that were given one by one, if they were."""
    if not all(isinstance(each, Integral) for each in values):
        return ""
    return f" Sizes are one list: Network({[*map(int, values)]})."


OF_METRICS = words(
    {
        "It is recorded already, as validation_accuracy, where targets are classes.": "accuracy "
        "acc sparse_categorical_accuracy categorical_accuracy binary_accuracy",
        "It is recorded already, as validation_cost.": "loss cost",
    }
)

OF_FIGURES = words(
    {
        "Use 'cost'.": "loss train_loss training_loss train_cost",
        "Use 'validation_cost', which validation_split=0.2 or validation_data= has measured.": ""
        "val_loss valid_loss validation_loss val_cost",
        "'validation_accuracy' is of validation data whose targets are classes.": "accuracy acc "
        "val_accuracy val_acc valid_accuracy train_accuracy",
        "Use 'learning_rate'.": "lr",
    }
)

OF_STOPPING = words(
    {
        "Use larger_is_better=True or False.": "mode",
        "Use min_change=...": "tol threshold delta",
        "Use patience=...": "n_iter_no_change rounds stopping_rounds",
        "Use fit(..., progress=True).": "verbose",
    }
)

OF_CHECKPOINT = words(
    {
        "Use path, the first argument.": "filepath filename dirpath",
        "Use every=..., which counts epochs.": "period save_freq every_n_epochs",
        "Use keep=..., or monitor=... for the best.": "save_top_k save_best_only save_last",
        "Use larger_is_better=True or False.": "mode",
    }
)

OF_A_NETWORK = words(
    {
        "Use net.evaluate(X, y)['accuracy'], or of values a metric such as "
        "sklearn.metrics.r2_score(y, net.predict(X)).": "score",
        "Use net(X), the outputs: those of softmax and sigmoid are probabilities.": ""
        "predict_proba predict_on_batch forward decision_function transform infer inference",
        "Use np.log(net(X)).": "predict_log_proba",
        "Use net.predict(X).": "predict_classes predict_step",
        "Use net.fit(X, y), then net.predict(X).": "fit_transform fit_predict",
        "Use trainer = net.trainer(), and trainer.step(X, y) for each step.": "partial_fit "
        "train_on_batch train_step training_step step",
        "Use net.fit(X, y); nothing has to be switched on, and net(X) never trains.": "train "
        "fit_generator fit_on_batch learn optimize train_model",
        "Nothing has to be switched off: net(X) does not train, nor drop units.": "eval zero_grad "
        "no_grad requires_grad_ freeze detach",
        "Nothing has to be compiled: the cost is Network(..., cost=...), the optimizer "
        "fit(..., optimizer=chainrule.Adam()).": "compile configure_optimizers build compute_loss",
        "Use net.evaluate(X, y).": "evaluate_generator test_on_batch test test_step",
        f"{_PARAMETERS} net.save(path) keeps all of the network.": "state_dict get_weights "
        "named_parameters trainable_variables trainable_weights variables coefs_ coef_ params",
        f"{_PARAMETERS} Assign net.parameters, or write into its views.": "load_state_dict "
        "set_weights set_parameters",
        "Use net.biases.": "intercepts_ intercept_ bias_",
        "print(net) shows it; net.sizes are its layers, net.parameters.size its numbers.": ""
        "summary count_params num_parameters n_layers_ get_layer layers shape modules children",
        "Use net.history, of the last fit.": "loss_curve_ losses validation_scores_ "
        "best_validation_score_ best_loss_ loss_",
        "Use net.epochs_trained.": "n_iter_ epochs epoch",
        "Use net.classes.": "classes_ labels",
        "Use net.sizes: inputs first, outputs last.": "n_features_in_ n_outputs_ input_shape "
        "output_shape in_features out_features",
        "Use net.input_names.": "feature_names_in_ feature_names",
        "Use net.output.": "out_activation_ output_activation",
        "Use net.hidden, net.output.": "activation activations",
        "Use net.cost.": "loss criterion loss_fn",
        "Use net.seed.": "random_state",
        "Use net.backprop(X, y), the mean gradient by W and b.": "backward grad gradient gradients "
        "get_gradients backpropagate",
        "Use net.copy().": "clone deepcopy clone_model",
        "Use net.save(path), and chainrule.load(path).": "save_weights save_model dump to_json "
        "to_file export",
        "Use chainrule.load(path).": "load load_weights load_model from_pretrained from_file",
        "Make another: chainrule.Network(net.sizes, hidden=net.hidden, ...).": "get_params "
        "set_params get_config from_config",
        "The sizes given to Network name all layers: Network([784, 30, 10]).": "add add_module "
        "append register_module add_layer",
        f"{_CPU} Use Network(..., dtype='float64') for double precision.": "to cuda cpu double "
        "half device",
        "Use Network(..., init=...) and seed=...: another network.": "apply reset_parameters "
        "init_weights reset",
    }
)

_CLASSIFIER = "Network([n_inputs, 100, n_classes], task='classification')"
_REGRESSOR = "Network([n_inputs, 100, n_targets], task='regression')"
_ALL_LAYERS = "Network([784, 30, 10], hidden='relu') names all layers by their sizes"

OF_THE_PACKAGE = words(
    {
        f"Use chainrule.sklearn.MLPClassifier, or net = chainrule.{_CLASSIFIER}, then "
        "net.fit(X, y, optimizer=chainrule.Adam()).": "MLPClassifier Classifier "
        "NeuralNetClassifier",
        f"Use chainrule.sklearn.MLPRegressor, or net = chainrule.{_REGRESSOR}, then "
        "net.fit(X, y, optimizer=chainrule.Adam()).": "MLPRegressor Regressor NeuralNetRegressor",
        "Use chainrule.sklearn.TabularClassifier.": "TabularClassifier",
        "Use chainrule.sklearn.TabularRegressor.": "TabularRegressor",
        f"chainrule.{_ALL_LAYERS}, which are fully connected.": "Sequential Dense Linear Layer "
        "Model Module Input InputLayer Bilinear MLP Net NN NeuralNetwork NeuralNet FeedForward "
        "nn layers keras models Flatten ModuleList",
        "Networks are feedforward and fully connected here; there are no such layers.": "Conv1D "
        "Conv2D Conv1d Conv2d LSTM GRU RNN Embedding Attention MultiheadAttention Transformer "
        "MaxPool2d MaxPooling2D",
        "Use ensemble = chainrule.Ensemble(nets), and ensemble.fit(X, y, bootstrap=True).": ""
        "BaggingClassifier BaggingRegressor VotingClassifier VotingRegressor Bagging",
        "Use Network(..., input_scale='standard'), set by the first fit.": "StandardScaler "
        "Normalization normalize scale",
        "Use Network(..., input_scale=..., input_shift=...).": "MinMaxScaler Rescaling",
        "There is none; Network(..., input_scale='standard') scales the inputs.": "BatchNorm "
        "BatchNorm1d BatchNormalization LayerNorm LayerNormalization",
        "Use fit(..., dropout=0.2).": "Dropout dropout",
        "Give its name, Network(..., hidden='relu', output='softmax'), or an object of "
        "chainrule.activations.": "ReLU relu Sigmoid sigmoid Tanh tanh Softmax softmax GELU gelu "
        "SiLU silu LeakyReLU leaky_relu ELU elu SELU Softplus Activation activation swish Swish",
        "Give its name, Network(..., cost='cross_entropy'), or an object of chainrule.costs.": ""
        "MSELoss L1Loss HuberLoss SmoothL1Loss BCELoss BCEWithLogitsLoss CrossEntropyLoss NLLLoss "
        "PoissonNLLLoss GaussianNLLLoss MeanSquaredError BinaryCrossentropy loss losses Loss "
        "CategoricalCrossentropy SparseCategoricalCrossentropy mse huber cross_entropy cost",
        "Give its name, Network(..., init='he'); chainrule.INITIALIZERS lists them.": "init "
        "GlorotUniform HeNormal LecunNormal xavier_uniform_ kaiming_normal_",
        "Use chainrule.StepDecay.": "StepLR MultiStepLR",
        "Use chainrule.ExponentialDecay.": "ExponentialLR",
        "Use chainrule.CosineDecay.": "CosineAnnealingLR CosineAnnealingWarmRestarts CosineLR",
        "Use chainrule.OneCycle.": "OneCycleLR CyclicLR",
        "Use chainrule.ReduceOnPlateau.": "ReduceLROnPlateau",
        "Use chainrule.InverseScaling, or a function of the epochs done as the learning rate.": ""
        "InverseTimeDecay LambdaLR LearningRateScheduler PolynomialDecay",
        "Optimisers are chainrule.SGD, chainrule.Adam and others: "
        "fit(..., optimizer=chainrule.Adam()).": "optim optimizer Optimizer",
        "Use chainrule.SGD(0.1, momentum=0.9, nesterov=True).": "Momentum Nesterov",
        "Use chainrule.Checkpoint(path, monitor='validation_cost').": "ModelCheckpoint "
        "BackupAndRestore",
        "Use chainrule.CSVLog, or chainrule.TensorBoard.": "CSVLogger SummaryWriter "
        "TensorBoardLogger",
        "A callback is a function of (net, history), or an object with methods such as "
        "on_epoch_end(net, history): fit(..., callbacks=[...]).": "Callback callbacks",
        "Use net.fit(X, y).": "train fit train_test compile",
        "Use net.save(path).": "save save_model dump",
        "Use chainrule.load(path).": "load_model from_file",
        "Use fit(X, y), or fit(batches) with any iterable of (X, y).": "DataLoader TensorDataset "
        "Dataset data utils",
        "Use fit(..., validation_split=0.2).": "train_test_split random_split",
        "Use Network(..., seed=0), which decides all.": "seed manual_seed set_seed set_random_seed "
        "random",
        f"{_CPU} Use fit(..., threads=...).": "device cuda set_num_threads set_device",
        "Arrays are NumPy's.": "Tensor tensor array",
        "Nothing is recorded: net(X) does not train, net.backprop(X, y) returns a gradient.": ""
        "no_grad GradientTape grad autograd jit value_and_grad",
    }
)
