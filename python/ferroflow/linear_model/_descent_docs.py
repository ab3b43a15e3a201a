"""What the docstrings of both estimators by gradient descent have in common."""

PARAMETERS = """penalty : {'l2', 'l1', 'elasticnet'} or None, default='l2'
        ``alpha`` times w^2 / 2, abs(w), or ``l1_ratio`` of this and the rest of that, summed over the weights. L1 steps
        are proximal, so weights become exactly zero. With ``optimizer='adamw'`` the L2 part is no term of the objective:
        weights shrink by ``alpha`` times the rate at each step.
    alpha : float, default=0.0001
        Strength of the penalty.
    l1_ratio : float, default=0.15
        Share of L1, for 'elasticnet' only.
    fit_intercept : bool, default=True
        Whether to learn an intercept. It is not penalised.
    max_iter : int, default=1000
        Passes over the rows (epochs) at most; of no concern to ``partial_fit``, which makes one.
    tol : float or None, default=1e-4
        The fit has converged when the mean objective of an epoch fell by less than ``tol`` in ``n_iter_no_change``
        epochs; under the adaptive schedule, when lowering the rate brings no more than that. In full batch, when no entry
        of the gradient is larger than ``tol``. If None, ``max_iter`` epochs are made.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order. A full batch needs none. Rows of more than 4 MB are shuffled as
        blocks of neighbours, a page each, and then among each other within 64 such blocks, so that memory can follow.
    verbose : int, default=0
        Whether to print some lines for each epoch, with the time that is left if all ``max_iter`` are made.
    random_state : int, RandomState instance or None, default=None
        Gives the orders, and the validation rows of ``early_stopping``.
    optimizer : {'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adamw'}, default='adam'
        How a step is made of a gradient.
    batch_size : int, 'auto' or None, default='auto'
        Rows of a step: 1 is stochastic descent, None takes all rows, 'auto' is 256. An epoch is cut into batches of nearly
        equal size, none larger.
    learning_rate : {'constant', 'optimal', 'invscaling', 'adaptive', 'step', 'cosine', 'one_cycle'}, default='adaptive'
        The rate at update t: ``eta0``; ``1 / (alpha * (t + t0))``; ``eta0 / t ** power_t``; ``eta0``, divided by 5
        each time the objective stops falling; ``eta0``, multiplied by ``gamma`` every ``step_size`` epochs; down from
        ``eta0`` to zero along half a cosine in ``max_iter`` epochs; or from ``eta0 / 25`` up to ``eta0`` in the first 30%
        of ``max_iter`` epochs and then down to ``eta0 / 250000``. The last two are made for their whole length, with
        ``tol=None``.
    eta0 : float or 'auto', default='auto'
        The first rate. 'auto' is 0.1 / sqrt(updates per epoch), within 0.001 and 0.1, for 'rmsprop', 'adam' and 'adamw';
        0.5 for 'adagrad'; for the others 1 / L, where L bounds how fast a batch's gradient can change, from the rows' norms
        and the largest eigenvalue of their second moments.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    step_size : int, default=10
        Epochs between two steps of 'step'.
    gamma : float, default=0.1
        What a step of 'step' multiplies the rate by.
    momentum : float, default=0.9
        Share of the last step that is taken again, for 'momentum' and 'nesterov'.
    beta_1 : float, default=0.9
        Decay of the mean of gradients, for 'adam' and 'adamw'.
    beta_2 : float, default=0.999
        Decay of the mean of squared gradients, for 'rmsprop', 'adam' and 'adamw'.
    epsilon : float, default=1e-8
        Keeps divisors above zero, for 'adagrad', 'rmsprop', 'adam' and 'adamw', as in MLPClassifier. (SGDClassifier's
        ``epsilon``, the threshold of some losses, is ``delta`` and ``tube`` here.)
    delta : float, default=1.35
        Residuals up to this size count by their square, larger ones linearly, for ``loss='huber'``{unit}.
    tube : float, default=0.1
        Residuals up to this size count nothing, for the epsilon-insensitive losses{unit}.
    average : bool or int, default=False
        Whether to keep the mean of the weights after all updates, and not the last ones. An integer above 1 leaves out the
        updates before that number of rows were seen.
    clip_norm : float or None, default=None
        The largest length of a step's mean gradient (of the losses, all weights and intercepts together{clip}); a longer
        one is shortened to it.
    early_stopping : bool, default=False
        Whether to set rows aside, to stop when their loss has not fallen by ``tol`` in ``n_iter_no_change`` epochs, and
        to keep the weights of the epoch with the smallest.
    validation_fraction : float, default=0.1
        The share of rows set aside.
    n_iter_no_change : int, default=5
        Epochs without progress to wait for. So few rows that this makes less than 20 updates wait for 20 updates.
    callback : callable or None, default=None
        Called after each epoch as ``callback(epoch, loss, validation_loss, learning_rate)``, with the mean objective of the
        epoch, the mean loss of the validation rows (None without ``early_stopping``) and the rate of its last update. The
        fit ends when it returns True.
    warm_start : bool, default=False
        Whether ``fit`` begins with the weights of the last one."""

ATTRIBUTES = """n_iter_ : int
        Epochs made.
    t_ : float
        Updates made, plus one.
    loss_curve_ : list of float
        The mean objective of each epoch: losses before their updates, and the penalty.
    validation_curve_ : list of float or None
        The mean loss of the validation rows after each epoch, without the penalty; None without ``early_stopping``.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if all are strings."""

NOTES = """Gradient descent needs features of similar scale: put a StandardScaler before it. A fit warns where scales differ
    a hundredfold, and one that diverges is an error that names the rate and the columns.

    The result does not depend on the number of threads. Sparse rows are used as they are; with ``optimizer='sgd'`` an
    update costs as much as its rows have stored values; with the others, with ``clip_norm``, and with ``average`` beside L1,
    as much as there are columns besides.

    A fitted model is not a sum over rows, so two of them cannot be merged; rows that come in parts go through
    ``partial_fit``."""
