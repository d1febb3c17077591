# Made by `python -m norma.stubs` from the library's own descriptions: do not edit.
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from os import PathLike
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

class _Sparse(Protocol):
    def tocsr(self) -> Any: ...

class Status(IntEnum):
    """How a call ended: 0 done, > 0 done with a remark, < 0 failed."""
    INTERNAL_ERROR = -16
    SINGULAR = -15
    INFEASIBLE = -14
    UNSUPPORTED = -13
    BAD_FILE = -12
    INPUT_OUTPUT = -11
    CANCELLED = -10
    OUT_OF_MEMORY = -9
    OVERLAP = -8
    OVERFLOW = -7
    NON_FINITE = -6
    BAD_DTYPE = -5
    BAD_SHAPE = -4
    OUT_OF_RANGE = -3
    BAD_ARGUMENT = -2
    NULL_POINTER = -1
    OK = 0
    NOT_CONVERGED = 1
    PARTIAL = 2
    RELAXED = 3
    @property
    def text(self) -> str: ...

class NormaError(Exception):
    """A call failed.  `status` says how, `message` is the library's sentence: what was
    given, the rule, the remedy.  The memory of outputs given by the caller is as it was.
    """
    status: Status
    message: str
    def __init__(self, status: int, message: str) -> None: ...

class NormaTypeError(NormaError, TypeError):
    """An argument is missing, unknown or given twice."""

class NormaValueError(NormaError, ValueError):
    """A value, a range, a shape, an element type or a NaN that does not fit."""

class NormaFormatError(NormaValueError):
    """The content of a file is malformed."""

class NormaOSError(NormaError, OSError):
    """The operating system refused a file operation; `errno` is set where it is known."""

class NormaFileNotFoundError(NormaOSError, FileNotFoundError):
    """There is no such file or folder."""

class NormaMemoryError(NormaError, MemoryError):
    """Memory could not be had."""

class NormaOverflowError(NormaError, OverflowError):
    """A size or a value overflows."""

class NormaUnsupportedError(NormaError, NotImplementedError):
    """This build or machine cannot do it."""

class NormaArithmeticError(NormaError, ArithmeticError):
    """The problem has no answer: a singular matrix, constraints that contradict each other."""

class NormaCancelled(NormaError):
    """Stopped on request, with nothing usable reached."""

class NormaInternalError(NormaError, RuntimeError):
    """Norma is wrong here; please report it."""

class NormaWarning(UserWarning):
    """A remark on a call that succeeded: the library's log, or a status > 0."""
    status: Status
    def __init__(self, message: str, status: int = ...) -> None: ...

class Progress(NamedTuple):
    """One report of work in progress.  `total` <= 0 where it is unknown; `value` is the
    number to watch (a residual, a loss), called `name`, NaN where there is none.
    """
    task: str
    done: float
    total: float
    name: str
    value: float

class Info(dict[str, Any]):
    """What a method reports beside its outputs: `info["gap"]` or `info.gap`."""
    def __getattr__(self, name: str) -> Any: ...

class Result:
    """The outcome of a call.

    Attributes
    ----------
    NAME : array
        One attribute for every output that was made, by its name; also in `outputs`.  A str
        where the output is text.
    outputs : dict
        The same by name, in the method's order.
    info : Info
        What the method reports: iterations, residuals, a gap.
    status : Status
        OK, or a remark: NOT_CONVERGED, PARTIAL, RELAXED.
    message : str
        The library's sentence on the remark; "" where there is none.
    parameters : Info
        Every parameter as it was used, defaults included.
    seconds : float
        Wall time of the method itself.
    report : dict
        All of it but the values of the arrays, as the command prints it with --json.
    """
    method: str
    outputs: dict[str, Any]
    info: Any
    status: Status
    message: str
    @property
    def parameters(self) -> Info: ...
    @property
    def seconds(self) -> float: ...
    @property
    def report(self) -> dict[str, Any]: ...

class CSR:
    """A sparse matrix in compressed rows, for where SciPy is not installed.

    Row i holds data[indptr[i]:indptr[i+1]] in the columns indices[indptr[i]:indptr[i+1]].
    It is taken as input wherever a SciPy matrix is.
    """
    data: NDArray[Any]
    indices: NDArray[Any]
    indptr: NDArray[Any]
    shape: tuple[int, int]
    def __init__(self, parts: Sequence[ArrayLike], shape: Sequence[int]) -> None: ...
    @property
    def nnz(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def toarray(self) -> NDArray[Any]: ...

def methods() -> list[str]:
    """The names of all methods, sorted; each is a function of this module."""
    ...

def describe(name: str) -> dict[str, Any]:
    """The description of a method, as a dict: inputs, outputs, parameters with their
    ranges, info, examples, paper.
    """
    ...

def load(path: str | PathLike[str], *, extra: bool = False) -> Any:
    """Read a file: npy, npz, csv and text, LIBSVM, Matrix Market, idx, safetensors.

    Parameters
    ----------
    path : str or os.PathLike
        The file, "-" for standard input, or numbers in brackets: "[[1, 2], [3, 4]]".
        The content decides on the format, then the extension.
    extra : bool, default False
        Give what lies beside the data too: a LIBSVM file's labels as "label", the
        column names of a csv file as "header".

    Returns
    -------
    ndarray, sparse matrix or dict
        A dict {name: ndarray} for npz and safetensors.  With `extra`, the pair
        (data, dict).
    """
    ...

def save(path: str | PathLike[str], data: ArrayLike | _Sparse | Mapping[str, ArrayLike]) -> None:
    """Write a file; its extension decides on the format.

    Parameters
    ----------
    path : str or os.PathLike
        npy, csv, txt, mtx, json, safetensors, npz; svm for a sparse matrix; "-" writes
        text to standard output.  The file is complete or it is not there.
    data : array_like, sparse matrix, or dict {name: array_like}
        A dict goes to npz or safetensors.
    """
    ...

class _CrossEntropyInfo(Info):
    rows: int
    columns: int
    ignored: int
    mean: float
    seconds: float

class _CrossEntropyResult(Result):
    info: _CrossEntropyInfo
    loss: NDArray[np.float64]
    gradient: NDArray[np.float32 | np.float64]

def cross_entropy(
    x: ArrayLike | PathLike[str],
    target: ArrayLike | PathLike[str],
    *,
    alpha: float | None = 1.0,
    scale: float | None = 1.0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _CrossEntropyResult:
    """Cross-entropy of the softmax of each row with a target class, and its gradient.

    loss = logsumexp(alpha x) - alpha x_target along the last axis, and its gradient alpha
    scale (softmax_i - [i = target]).

    No exponential overflows. At the target the gradient is alpha scale (exp(-loss) - 1), so
    that loss and gradient agree. Losses are double precision and never negative; their
    absolute error is that of the logarithm of the sum, so a loss near 0 has few digits.

    A row with a negative target is ignored: loss 0 and gradient 0. A NaN makes the loss and
    the gradient of its row NaN; a target whose score is -inf has loss inf.

    The result does not depend on the number of threads.

    Parameters
    ----------
    x : array_like float32 or float64
        scores of any shape with at least one axis; the last axis is the classes. Also a
        file as pathlib.Path.
    target : array_like int64
        class of each row, counted from 0; negative: the row is ignored.  Shape of x without
        its last axis. Also a file as pathlib.Path.
    alpha : float, default 1.0
        factor on x, the inverse of the temperature.
    scale : float, default 1.0
        factor on the gradient: 1/rows for that of the mean loss.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        loss : ndarray float64
            minus the logarithm of the target's probability, 0 in ignored rows; shape of
            target. Unit: nats.
        gradient : ndarray float32 or float64
            scale times the derivative of the sum of the losses by x; shape and type of x,
            and it may be x itself. Made when it costs nothing.
        info.rows : int
            rows.
        info.columns : int
            elements of a row.
        info.ignored : int
            rows whose target is negative.
        info.mean : float
            mean loss of the rows that are not ignored; NaN if there are none. Unit: nats.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv
    2001.04438.

    Examples
    --------
    >>> import norma

    Two rows: odds of 1 to 1 and of 3 to 1.

    >>> result = norma.cross_entropy([[0, 0], [0, 1.0986122886681098]], target=[0, 1])
    >>> result.loss  # [0.6931471805599453,0.2876820724517809]
    >>> result.gradient  # [[-0.5,0.5],[0.25,-0.25]]
    >>> result.info.mean  # 0.4904146265058631

    An ignored row, and the gradient of the mean of the other two.

    >>> result = norma.cross_entropy([[1, 2, 3], [5, 5, 5], [0, 0, 0]], target=[2, -1, 1], scale=0.5)
    >>> result.loss  # [0.4076059644443804,0,1.0986122886681098]
    >>> result.gradient  # [[0.04501528658519023,0.12236423552739884,-0.16737952211258907],[0,0,0],[0.16666666666666666,-0.3333333333333333,0.16666666666666666]]
    >>> result.info.ignored  # 1

    A score that no exponential can hold.

    >>> result = norma.cross_entropy([0, -1000], target=[1])
    >>> result.loss  # [1000]
    >>> result.gradient  # [1,-1]
    >>> result.info.mean  # 1000
    """
    ...

class _EvaluateInfo(Info):
    loss: float
    perplexity: float
    accuracy: float
    count: int
    step: int
    seconds: float

class _EvaluateResult(Result):
    info: _EvaluateInfo
    predictions: NDArray[np.float64]

def evaluate(
    *,
    x: ArrayLike | PathLike[str] | None = None,
    y: ArrayLike | PathLike[str] | None = None,
    checkpoint: str | PathLike[str],
    data: str | PathLike[str] | None = None,
    labels: str | PathLike[str] | None = None,
    part: Literal["all", "validation"] | None = "validation",
    batch: int | None = 64,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _EvaluateResult:
    """Loss and accuracy of a network that train made.

    The network and what it learnt from its data (tokenizer, scales, classes) come from a
    checkpoint, which train must have made before. Without other data, the run's own are
    read again and its validation part is taken.

    The loss is the mean cross-entropy in nats over tokens or examples, or the mean squared
    error of values.

    Parameters
    ----------
    x : array_like float32 or float64 or uint8, optional
        examples: a table (n, columns) or images (n, rows, columns) or (n, channels, rows,
        columns). Also a file as pathlib.Path.
    y : array_like float32 or float64 or int64 or uint8, optional
        their targets. Also a file as pathlib.Path.
    checkpoint : str or os.PathLike
        what train wrote: the file or its folder.
    data : str or os.PathLike, optional
        as for train; none: the run's own.
    labels : str or os.PathLike, optional
        targets, where data does not hold them.
    part : {'all', 'validation'}, default 'validation'
        of the run's own data: the validation part, or all; other data are always taken
        whole.
    batch : int, default 64
        examples of a pass. From 1 to 2**20.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        predictions : ndarray float64
            for each token or example the most likely class as the data name it, or the
            values. Made on request: want or out.
        info.loss : float
            mean over tokens or examples.
        info.perplexity : float
            exp(loss) of a text; else 0.
        info.accuracy : float
            share that is right; -1: no classes.
        info.count : int
            tokens or examples.
        info.step : int
            steps that the checkpoint was trained.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Alec Radford, Jeffrey Wu, Rewon Child, David Luan, Dario Amodei, Ilya Sutskever:
    Language Models are Unsupervised Multitask Learners, 2019.
    """
    ...

class _GenerateInfo(Info):
    tokens: int
    rate: float
    log_likelihood: float
    seconds: float

class _GenerateResult(Result):
    info: _GenerateInfo
    text: str

def generate(
    *,
    checkpoint: str | PathLike[str],
    prompt: str | None = "\n",
    tokens: int | None = 200,
    temperature: float | None = 0.8,
    top_k: int | None = 0,
    top_p: float | None = 1.0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _GenerateResult:
    r"""Text from a network that train made.

    Goes on from the prompt with the network of a checkpoint, which train must have made on
    a text before.

    Token by token: the network's values, divided by the temperature, are the logarithms of
    the chances of what may follow; top_k and top_p leave out the unlikely ones.

    The same seed, checkpoint and options give the same text.

    Parameters
    ----------
    checkpoint : str or os.PathLike
        what train wrote on a text: the file or its folder.
    prompt : str, default '\n'
        what the text begins with.
    tokens : int, default 200
        how many to add. From 1 to 2**30.
    temperature : float, default 0.8
        logits are divided by it; 0: always the most likely. From 0 to 1000.
    top_k : int, default 0
        draw among so many most likely tokens; 0: all. From 0 to 65536.
    top_p : float, default 1.0
        draw among the most likely ones that have this share together. Above 0, at most 1.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        text : str
            the prompt and what was drawn, as UTF-8.
        info.tokens : int
            added.
        info.rate : float
            tokens a second. Unit: 1/s.
        info.log_likelihood : float
            of the added tokens under the network, mean, at temperature 1.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi: The Curious Case of Neural
    Text Degeneration, 2020, arXiv 1904.09751.
    """
    ...

class _LewisWeightsInfo(Info):
    rows: int
    columns: int
    rank: int
    iterations: int
    error: float
    sum: float
    measured: int
    open: int
    total: float
    total_error: float
    seconds: float

class _LewisWeightsResult(Result):
    info: _LewisWeightsInfo
    weights: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

def lewis_weights(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    b: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike] | None = None,
    p: float | None = 1.0,
    tol: float | None = 1e-10,
    max_iter: int | None = 500,
    measure: Literal["auto", "exact", "sample"] | None = "auto",
    sample: int | None = 0,
    draws: int | None = 0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _LewisWeightsResult:
    """How much each row of a tall matrix can matter in the p-norm: leverage, Lewis weights, sensitivities.

    A row matters as far as some x makes it a large part of the p-norm of a x: its
    sensitivity. Sampling rows by it, or by Lewis weights, which cost a few readings of the
    rows, keeps that norm for every x at once; uniform sampling may lose the only row that
    holds a direction.

    With p = 2 all are the leverage scores. For other p weights enclose sensitivities within
    a power of the rank: lower and upper are that bracket, or with measure exact the primal
    and dual values of a regression for each row. With b the rows are those of a and b side
    by side, which is what sampling for a regression wants.

    Whatever the condition of a, the work is done in coordinates in which it is close to 1;
    columns that others make up count once, as rank says, and columns may be in any units.

    error bounds how far the weights are from their equation. The numbers do not depend on
    the number of threads; among ranks they agree to rounding.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows, dense or sparse; they are read several times, in pieces. Also a sparse
        matrix, an iterator of rows or of blocks of rows or a file as pathlib.Path.
    b : array_like (n, q), float32 or float64, optional
        more columns, such as the right-hand side of a regression. Also a sparse matrix, an
        iterator of rows or of blocks of rows or a file as pathlib.Path.
    p : float, default 1.0
        of the norm; 2 gives leverage scores. From 1 to 64.
    tol : float, default 1e-10
        stop when no weight is further from (2) than this, as a logarithm. From 0 to 1.
    max_iter : int, default 500
        most rounds, each reading the rows once. From 1 to 1000000. Unit: rounds.
    measure : {'auto', 'exact', 'sample'}, default 'auto'
        what sensitivities are measured on: all rows (exact), a sample by Lewis weights, or
        all up to 2000 (auto).
    sample : int, default 0
        expected size of the sample; 0: 8 k^max(1, p/2) ln(k + 1), at least 20 k. From 0 to
        2**53. Unit: rows.
    draws : int, default 0
        estimate the total sensitivity from so many rows drawn by weight; 0: not. From 0 to
        10000000. Unit: rows.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        weights : ndarray (n), float64
            the Lewis weights.
        sensitivity : ndarray (n), float64
            the sensitivities; a regression a row. Made on request: want or out.
        lower : ndarray (n), float64
            no sensitivity is below this. Made on request: want or out.
        upper : ndarray (n), float64
            or above this. Made on request: want or out.
        info.rows : int
            rows read. Unit: rows.
        info.columns : int
            of a and b together.
        info.rank : int
            k, of a and b side by side.
        info.iterations : int
            rounds after the first. Unit: rounds.
        info.error : float
            max |ln(tau_i / w_i)| of (2), measured on the weights handed out.
        info.sum : float
            of the weights; k but for error.
        info.measured : int
            rows that sensitivities were measured on; 0: none asked for. Unit: rows.
        info.open : int
            sensitivities whose enclosure stayed wider than asked for. Unit: rows.
        info.total : float
            of all sensitivities, or estimated from draws; NaN where neither was asked for.
        info.total_error : float
            standard error of the estimate from draws; else 0.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv
    2306.00732; M. B. Cohen, R. Peng, l_p Row Sampling by Lewis Weights, STOC 2015, arXiv
    1412.0588.

    Examples
    --------
    >>> import norma

    Weights and sensitivities in the sum of magnitudes.

    >>> result = norma.lewis_weights([[1, 0], [0, 1], [1, 1], [2, -1]], measure='exact', want=['sensitivity', 'lower', 'upper'])
    >>> result.weights  # [0.30823533,0.42922282,0.56235838,0.70018348]
    >>> result.sensitivity  # [0.25,0.3333333333,0.5,0.6]
    >>> result.lower  # [0.25,0.3333333333,0.5,0.6]
    >>> result.upper  # [0.25,0.3333333333,0.5,0.6]
    >>> result.info.rank  # 2
    >>> result.info.sum  # 2

    Leverage scores.

    >>> result = norma.lewis_weights([[1, 0], [0, 1], [1, 1], [2, -1]], p=2.0)
    >>> result.weights  # [0.1764705882,0.3529411765,0.6470588235,0.8235294118]
    >>> result.info.error  # 0

    Two columns that share no row.

    >>> result = norma.lewis_weights([[1], [0], [0]], b=[[0], [3], [4]], p=4.0)
    >>> result.weights  # [1,0.2403560831,0.7596439169]
    """
    ...

class _LinfRegressionInfo(Info):
    sketch: str
    guarantee: str
    total_rows: int
    rows: int
    exact: bool
    retries: int
    eps: float
    residual: float
    inverse_norm: float
    condition: float
    bound: float
    error: float
    gradient: float
    steps: int
    passes: int
    seconds: float

class _LinfRegressionResult(Result):
    info: _LinfRegressionInfo
    x: NDArray[np.float64]
    error_bars: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    bounds: NDArray[np.float64]
    sa: NDArray[np.float64]
    sb: NDArray[np.float64]

def linf_regression(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    b: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    s: ArrayLike | PathLike[str] | None = None,
    a2: ArrayLike | PathLike[str] | None = None,
    a3: ArrayLike | PathLike[str] | None = None,
    b2: ArrayLike | PathLike[str] | None = None,
    b3: ArrayLike | PathLike[str] | None = None,
    sketch: Literal["gaussian", "srht", "srct", "bgp", "countsketch", "osnap", "user", "tensor-srht", "tensor-srct"] | None = "srht",
    rows: int | None = 0,
    rule: Literal["sharp", "corrected", "paper"] | None = "sharp",
    eps: float | None = 0.5,
    delta: float | None = 0.01,
    constant: float | None = 1.0,
    replace: bool | None = False,
    nonzeros: int | None = 0,
    strict: bool | None = False,
    repetitions: int | None = 1,
    equilibrate: bool | None = False,
    refine: int | None = 0,
    tolerance: float | None = 1e-12,
    confidence: float | None = 0.95,
    total_rows: int | None = 0,
    columns: int | None = 0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _LinfRegressionResult:
    """Least squares of tall data from one pass, with error bars for every coordinate.

    Multiplies a and b by one random matrix S of a few rows and solves the small least-
    squares problem that is left. A dense S spreads the error evenly: no coordinate of x is
    singled out, and bound says how far any can be off. Sparse sketches, countsketch and
    osnap, are faster and lack that: on some data they spoil a single coordinate.

    rows sets the size of S, or eps and delta do through a rule. Where that many rows are no
    fewer than those of a, the exact solution is computed, in one pass too. The paper's rule
    mostly asks for more rows than there are; sharp is what the law of the Gaussian sketch
    gives.

    error_bars come from the compressed residual. With gaussian they are exact: the
    intervals hold the exact solution with probability confidence. With srht, srct and bgp
    they are observed to be as good, with sparse sketches they are not to be relied on. A
    matrix that is a Kronecker product can be given by its factors; the tensor sketches
    never form it.

    refine goes on from there to the exact solution, a pass a step, and measures what is
    left; the error bars then are bounds from that.

    What to rely on: S is a function of the seed, the same however a is stored, cut or
    shared out; x, where a has a dependent or zero column, is refused by name and not made
    up; the memory does not grow with the number of rows.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows of the matrix, dense or sparse, n >= d; a stream of any length is read
        once. Also a sparse matrix, an iterator of rows or of blocks of rows or a file as
        pathlib.Path.
    b : array_like (r, q), float32 or float64
        the right-hand sides, row by row, as many rows as a; a vector is one of them. Also a
        sparse matrix, an iterator of rows or of blocks of rows or a file as pathlib.Path.
    s : array_like (m, r), float64, optional
        the compressing matrix, for the sketch user. Also a file as pathlib.Path.
    a2 : array_like (n2, d2), float64, optional
        second Kronecker factor of the matrix, a being the first: row i n2 + j is row i of a
        times row j of a2. Also a file as pathlib.Path.
    a3 : array_like (n3, d3), float64, optional
        third Kronecker factor. Also a file as pathlib.Path.
    b2 : array_like (n2) or (n2, q2), float64, optional
        with a2: second Kronecker factor of b, b being the first; without it b has all rows.
        Also a file as pathlib.Path.
    b3 : array_like (n3) or (n3, q3), float64, optional
        third Kronecker factor of b. Also a file as pathlib.Path.
    sketch : {'gaussian', 'srht', 'srct', 'bgp', 'countsketch', 'osnap', 'user', 'tensor-srht', 'tensor-srct'}, default 'srht'
        S: dense (gaussian, srht, srct, bgp), sparse (countsketch, osnap), given (user), or
        of Kronecker factors.
    rows : int, default 0
        of the compression, m; 0: by the rule. From 0 to 2147483647. Unit: rows.
    rule : {'sharp', 'corrected', 'paper'}, default 'sharp'
        m from eps and delta: sharp d + 1 + 2 d ln(2 d/delta)/eps^2, corrected C d ln(8
        d/delta)/eps^2, paper C d ln(n/delta)^3/eps^2.
    eps : float, default 0.5
        of the bound, where the rule sets m. Above 0, at most 1.
    delta : float, default 0.01
        probability that the bound fails, below 1/2. Above 0, at most 0.5.
    constant : float, default 1.0
        C of the rules corrected and paper, which leave it open. Above 0, at most 1e+12.
    replace : bool, default False
        srht, srct: draw the rows with replacement, as the paper does.
    nonzeros : int, default 0
        osnap: entries in a column of S; 0: 8, or m where that is less. From 0 to
        2147483647.
    strict : bool, default False
        bgp: pad with zeros as far as the theorem asks, some d^2 times m.
    repetitions : int, default 1
        independent compressions, made in one pass; x is the median of each coordinate. From
        1 to 1000.
    equilibrate : bool, default False
        bound each coordinate with columns brought to a length of 1 to 2.
    refine : int, default 0
        most steps towards the exact solution, each one more pass over a and b. From 0 to
        1000000. Unit: steps.
    tolerance : float, default 1e-12
        refine: stop at |A'r| <= tolerance |A| |r|, or where only rounding is left. From 0
        to 1.
    confidence : float, default 0.95
        of the error bars of one right-hand side, together. Above 0, at most 1.
    total_rows : int, default 0
        n, where the input cannot tell and it is known; 0: as the input says, or counted.
        From 0 to 2**53. Unit: rows.
    columns : int, default 0
        numbers in a row of a, where the input cannot tell (sparse rows from a pipe); 0: as
        the input says. From 0 to 2**31.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        x : ndarray (d) or (d, q), float64
            the solution, a column for each right-hand side. Unit: b/a.
        error_bars : ndarray (d) or (d, q), float64
            half-widths of intervals about x that hold the exact solution, all together with
            probability confidence. Unit: b/a. Made on request: want or out.
        standard_errors : ndarray (d) or (d, q), float64
            of each coordinate of x as an estimate of the exact solution; NaN where x was
            refined. Unit: b/a. Made on request: want or out.
        bounds : ndarray (d) or (d, q), float64
            the bound of each coordinate: all alike unless equilibrate. Unit: b/a. Made on
            request: want or out.
        sa : ndarray (m, d), float64
            the compressed matrix S a; where exact, d + q rows with the same least-squares
            problem. Unit: a. Made on request: want or out.
        sb : ndarray (m) or (m, q), float64
            S b, of the same S. Unit: b. Made on request: want or out.
        info.sketch : str
            S: as asked, or none where the solution is the exact one.
        info.guarantee : str
            of the bound: exact (no compression), law (gaussian), theorem (bgp, constant
            left open), observed (srht, srct, and of factors), none (sparse), unknown
            (user).
        info.total_rows : int
            n. Unit: rows.
        info.rows : int
            m; n where the solution is the exact one. Unit: rows.
        info.exact : bool
            m would have reached n: solved without compression.
        info.retries : int
            compressions thrown away because their rank fell short.
        info.eps : float
            of the bound at this m, by the rule; 0 where exact.
        info.residual : float
            |A x* - b|, largest of the right-hand sides: estimated; exact or refined:
            computed. Unit: b.
        info.inverse_norm : float
            |A^+|, estimated from the compression; exact: computed. Unit: 1/a.
        info.condition : float
            |A| |A^+|, of the same.
        info.bound : float
            (eps / sqrt(d)) |r| |A^+|: every coordinate's error, with probability 1 - delta.
            Unit: x.
        info.error : float
            largest error bar: what no coordinate's error exceeds, with probability
            confidence. Unit: x.
        info.gradient : float
            refine: |A'r| / (|A| |r|) measured on all rows, largest of the right-hand sides;
            else NaN.
        info.steps : int
            of refinement.
        info.passes : int
            over a and b.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Z. Song, M. Ye, J. Yin, L. Zhang, A Nearly-Optimal Bound for Fast Regression with
    l-infinity Guarantee, ICML 2023, arXiv 2302.00248.

    Examples
    --------
    >>> import norma

    Four rows need no compression.

    >>> result = norma.linf_regression([[1, 2], [0, 1], [1, -1], [3, 1]], b=[1, 2, 3, 5])
    >>> result.x  # [1.7868852459016393,-0.16393442622950818]
    >>> result.info.exact  # 1
    >>> result.info.error  # 0
    >>> result.info.total_rows  # 4

    A compression of one's own.

    >>> result = norma.linf_regression([[1, 2], [0, 1], [1, -1], [3, 1]], b=[1, 2, 3, 5], s=[[1, -1, 1, -1], [1, -1, -1, 1], [1, 1, -1, -1]], sketch='user')
    >>> result.x  # [1.1333333333333333,-0.5333333333333333]
    >>> result.info.rows  # 3

    Consistent equations are solved exactly by any compression.

    >>> result = norma.linf_regression([[1, 0], [1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6], [1, 7]], b=[2, 5, 8, 11, 14, 17, 20, 23], rows=4, sketch='gaussian')
    >>> result.x  # [2,3]
    >>> result.info.rows  # 4
    >>> result.info.residual  # 0

    A Kronecker product, by its factors.

    >>> result = norma.linf_regression([[1, 0], [1, 1], [1, 2]], a2=[[1], [2]], b=[1, 3, 5], b2=[1, 2], sketch='tensor-srht')
    >>> result.x  # [1,2]
    >>> result.info.total_rows  # 6
    >>> result.info.exact  # 1
    """
    ...

class _LpCoresetInfo(Info):
    scheme: str
    scores: str
    p: float
    rows_read: int
    columns: int
    rank: int
    rows: int
    expected: float
    total_sensitivity: float
    least_weight: float
    most_weight: float
    levels: int
    lewis_error: float
    distortion: float
    passes: int
    seconds: float

class _LpCoresetResult(Result):
    info: _LpCoresetInfo
    index: NDArray[np.int64]
    weights: NDArray[np.float64]
    rows_a: NDArray[np.float64]
    rows_b: NDArray[np.float64]
    sensitivities: NDArray[np.float64]
    lewis_weights: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    witness: NDArray[np.float64]

def lp_coreset(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    b: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike] | None = None,
    row_weights: ArrayLike | PathLike[str] | None = None,
    user_scores: ArrayLike | PathLike[str] | None = None,
    p: float | None = 1.0,
    scheme: Literal["auto", "uniform", "sensitivity", "lewis", "root-leverage", "combined", "augmented"] | None = "auto",
    rows: int | None = 0,
    eps: float | None = 0.25,
    delta: float | None = 0.05,
    scores: Literal["auto", "exact", "approximate", "bracket"] | None = "auto",
    iid: bool | None = False,
    passes: Literal["auto", "one", "many"] | None = "auto",
    audit: bool | None = False,
    lewis_tol: float | None = 0.0,
    lewis_iterations: int | None = 500,
    newton_tol: float | None = 0.0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _LpCoresetResult:
    """A few weighted rows of a tall matrix that keep the p-norm of a x for every x.

    Keeps rows at random, those that can matter more with greater probability, and gives
    each the weight that makes the sum of weights times |row x|^p right on average. With as
    many rows as eps and delta ask for it is right within the factor 1 +- eps for all x at
    once, so that a regression solved on the rows kept is one on all rows. For that the
    coreset must be of a and b together.

    scheme says how much a row matters. The sensitivity is the greatest share of the sum
    that a row can have; Lewis weights are near it and take a few passes; combined (p > 2)
    adds leverage scores to it, and root-leverage (p <= 2) takes these alone, in rounds.
    uniform is there to compare with: it loses rows that are rare and large.

    Rows that can be read only once, or are too many to hold a number for each, are taken in
    blocks whose coresets are merged; the memory then grows with the logarithm of their
    number only, and eps is multiplied by at most levels.

    The weights are for |.|^p, of rows as they came. A row's draw depends on the seed and
    its number alone: not on how many threads or processes there are. audit looks for the x
    at which the coreset is worst and measures it on all rows: what it finds is a lower
    bound of the greatest error, with its witness.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows, dense or sparse, at least as many as columns. Also a sparse matrix, an
        iterator of rows or of blocks of rows or a file as pathlib.Path.
    b : array_like (n) or (n, q), float32 or float64, optional
        more columns of the same rows, such as the right side of a regression, which needs a
        coreset of both. Also a sparse matrix, an iterator of rows or of blocks of rows or a
        file as pathlib.Path.
    row_weights : array_like (n), float64, optional
        what each row counts in the sum of |.|^p, > 0; 1 where there are none. Also a file
        as pathlib.Path.
    user_scores : array_like (n), float64, optional
        what is to stand for the sensitivities, at least 0 and not all 0; the scale does not
        matter. Also a file as pathlib.Path.
    p : float, default 1.0
        the norm; beyond 64, 64 stands for the largest entry. At least 1.
    scheme : {'auto', 'uniform', 'sensitivity', 'lewis', 'root-leverage', 'combined', 'augmented'}, default 'auto'
        what rows are chosen by; auto: combined for p > 2, else sensitivity up to 10000 rows
        and lewis beyond.
    rows : int, default 0
        rows to keep on average, more than there are columns; 0: by eps and delta. At least
        0.
    eps : float, default 0.25
        relative error of sums of |.|^p that rows = 0 is made for. Above 0, at most 1.
    delta : float, default 0.05
        probability of failing that rows = 0 is made for. Above 0, at most 0.5.
    scores : {'auto', 'exact', 'approximate', 'bracket'}, default 'auto'
        how sensitivities are found: exact, from a sample of rows, or from above by Lewis
        weights; auto: by the work, from above where coresets are merged.
    iid : bool, default False
        draw with replacement; a row that is drawn k times is kept once with k times the
        weight.
    passes : {'auto', 'one', 'many'}, default 'auto'
        one: keep coresets of blocks and merge them; many: scores of all rows first; auto:
        many where rows can be read again and are at most 2^24.
    audit : bool, default False
        search for the x at which the coreset is worst, and measure it on all rows.
    lewis_tol : float, default 0.0
        relative error of the Lewis weights; 0: 1e-10 where they are wanted, 1e-3 to draw
        by. From 0 to 1.
    lewis_iterations : int, default 500
        most rounds for the Lewis weights. From 1 to 1000000.
    newton_tol : float, default 0.0
        relative error of solved sensitivities; 0: 1e-10 where exact ones are wanted, 1e-3
        to draw by. From 0 to 1.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        index : ndarray (m), int64
            numbers of the rows kept, rising, from 0.
        weights : ndarray (m), float64
            what each row kept counts in the sum of |.|^p.
        rows_a : ndarray (m, d), float64
            the rows kept of a, as they came, not scaled by their weights. Unit: a. Made on
            request: want or out.
        rows_b : ndarray (m, q), float64
            the same of b. Unit: b. Made on request: want or out.
        sensitivities : ndarray (n), float64
            how much each row can matter: its greatest share of the sum of |.|^p, over all
            x, found as scores says. Made on request: want or out.
        lewis_weights : ndarray (n), float64
            Lewis weights; they sum to the rank. Made on request: want or out.
        probabilities : ndarray (n), float64
            with which each row was kept; with iid that of a single draw. Made on request:
            want or out.
        witness : ndarray (c), float64
            the x of length 1, for the columns of a and then of b, at which the audit found
            the distortion. Made on request: want or out.
        info.scheme : str
            what rows were chosen by.
        info.scores : str
            how sensitivities were found: exact, approximate, bracket, user; none where the
            scheme needs none.
        info.p : float
            the norm used.
        info.rows_read : int
            rows of a.
        info.columns : int
            of a and b together.
        info.rank : int
            of a and b together, where the scores tell it; else -1.
        info.rows : int
            rows kept.
        info.expected : float
            mean number of rows kept.
        info.total_sensitivity : float
            sum of the sensitivities, or of what stands for them; NaN where the scheme needs
            none.
        info.least_weight : float
            smallest weight of a row kept.
        info.most_weight : float
            largest weight of a row kept.
        info.levels : int
            how often a row was drawn: 1, or more where coresets were merged.
        info.lewis_error : float
            relative error of the Lewis weights; NaN where none were needed.
        info.distortion : float
            audit: largest |ratio - 1| of the sides of (1) found, measured on all rows; else
            NaN.
        info.passes : int
            times the rows were read.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv
    2306.00732.

    Examples
    --------
    >>> import norma

    Every row, where so many are wanted.

    >>> result = norma.lp_coreset([[1, 0], [0, 1], [1, 1], [2, -1]], p=2.0, rows=4, scheme='lewis', want='sensitivities')
    >>> result.index  # [0,1,2,3]
    >>> result.weights  # [1,1,1,1]
    >>> result.sensitivities  # [0.1764705882,0.3529411765,0.6470588235,0.8235294118]
    >>> result.info.total_sensitivity  # 2

    Rows that nobody can do without.

    >>> result = norma.lp_coreset([[1, 0], [0, 0], [0, 0], [0, 2], [0, 0]], p=1.0, rows=3)
    >>> result.index  # [0,3]
    >>> result.weights  # [1,1]
    """
    ...

class _LpRegressionInfo(Info):
    method: str
    p: float
    objective: float
    norm: float
    lower: float
    gap: float
    excess: float
    start_norm: float
    coreset_norm: float
    rows_read: int
    columns: int
    rank: int
    coreset_rows: int
    iterations: int
    passes: int
    seconds: float

class _LpRegressionResult(Result):
    info: _LpRegressionInfo
    x: NDArray[np.float64]
    residual: NDArray[np.float64]
    dual: NDArray[np.float64]

def lp_regression(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    b: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    weights: ArrayLike | PathLike[str] | None = None,
    p: float | None = 1.0,
    method: Literal["auto", "direct", "coreset"] | None = "auto",
    rows: int | None = 0,
    eps: float | None = 0.25,
    delta: float | None = 0.05,
    scheme: Literal["auto", "uniform", "sensitivity", "lewis", "root-leverage", "combined", "augmented"] | None = "auto",
    refine: int | None = 1,
    tol: float | None = 1e-10,
    max_iter: int | None = 500,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _LpRegressionResult:
    """The x whose residual has the least p-norm, with a proof of how near it is.

    Finds the x that makes the sum of |a x - b|^p least: p = 1 is least absolute deviations,
    which outliers do not move, p = 2 least squares, and a large p makes the largest
    residual small. Zero columns and columns that others make up are named in a warning, and
    x is then the shortest.

    Rows that fit in memory are solved as they are: p = 1 exactly, by an interior-point
    method that ends in a vertex; other p by Newton's method. More rows are sampled: a
    coreset of a and b is solved, the solution is measured on all rows, and refine rounds of
    Newton's method on all rows take it further. Memory then does not grow with the rows.

    norm is measured on all rows, and lower is proved: no x has a smaller norm. gap and
    excess say what that leaves open, and dual is the proof itself. Without refinement a
    coreset proves nothing about the rows that were not drawn, and lower is not a number.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows, dense or sparse, at least as many as columns. Also a sparse matrix, an
        iterator of rows or of blocks of rows or a file as pathlib.Path.
    b : array_like (n) or (n, 1), float32 or float64
        the right side, a number for every row. Unit: b. Also a sparse matrix, an iterator
        of rows or of blocks of rows or a file as pathlib.Path.
    weights : array_like (n), float64, optional
        what each row counts in the sum of |.|^p, > 0; 1 where there are none. Also a file
        as pathlib.Path.
    p : float, default 1.0
        the norm; beyond 64, 64 stands for the largest residual. At least 1.
    method : {'auto', 'direct', 'coreset'}, default 'auto'
        direct: all rows in memory; coreset: a sample of them, measured on all; auto: direct
        up to 2^24 numbers.
    rows : int, default 0
        coreset: rows to draw on average, at least two more than there are columns; 0: by
        eps and delta. At least 0.
    eps : float, default 0.25
        coreset: relative error of the loss that rows = 0 is made for. Above 0, at most 1.
    delta : float, default 0.05
        coreset: probability of failing that rows = 0 is made for. Above 0, at most 0.5.
    scheme : {'auto', 'uniform', 'sensitivity', 'lewis', 'root-leverage', 'combined', 'augmented'}, default 'auto'
        coreset: what rows are drawn by, as in lp-coreset.
    refine : int, default 1
        coreset: rounds of Newton's method on all rows afterwards, of 2 readings, p < 1.5 up
        to 5; the bound needs one. From 0 to 1000.
    tol : float, default 1e-10
        gap at which to stop. Above 0, at most 0.5.
    max_iter : int, default 500
        most linear systems to solve for rows in memory. From 1 to 1000000.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        x : ndarray (d), float64
            the coefficients. Unit: b / a.
        residual : ndarray (n), float64
            a x - b. Unit: b. Made on request: want or out.
        dual : ndarray (n), float64
            the proof: y with a'y = 0, q-norm at most 1 (1/p + 1/q = 1) and b'y = lower.
            Made on request: want or out.
        info.method : str
            direct or coreset.
        info.p : float
            the norm used.
        info.objective : float
            sum of w |r|^p over all rows; infinite beyond the range of f64. Unit: b^p.
        info.norm : float
            its p-th root, the norm of the residual, measured on all rows. Unit: b.
        info.lower : float
            proved: no x has a smaller norm; NaN where no bound was sought (refine 0). Unit:
            b.
        info.gap : float
            (norm - lower) / norm; 0 for an exact fit.
        info.excess : float
            proved: the objective is above its least value by at most this share of that.
        info.start_norm : float
            coreset: norm on all rows before any refinement; direct: norm. Unit: b.
        info.coreset_norm : float
            coreset: norm on the coreset of its own solution; else NaN. Unit: b.
        info.rows_read : int
            rows of a.
        info.columns : int
            of a.
        info.rank : int
            of a, or of its coreset.
        info.coreset_rows : int
            rows drawn; 0 for direct.
        info.iterations : int
            linear systems solved, in memory and on all rows.
        info.passes : int
            times the rows were read.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    D. P. Woodruff, T. Yasuda, Sharper Bounds for l_p Sensitivity Sampling, ICML 2023, arXiv
    2306.00732.

    Examples
    --------
    >>> import norma

    Least absolute deviations: two rows are met exactly.

    >>> result = norma.lp_regression([[1, 0], [0, 1], [1, 1], [2, -1]], b=[1, 2, 2, 1], want='residual')
    >>> result.x  # [1,1]
    >>> result.residual  # [0,-1,0,0]
    >>> result.info.objective  # 1
    >>> result.info.lower  # 1
    >>> result.info.rank  # 2

    The same with p = 3.

    >>> result = norma.lp_regression([[1, 0], [0, 1], [1, 1], [2, -1]], b=[1, 2, 2, 1], p=3.0)
    >>> result.x  # [1.0453194159,1.4241398440]
    >>> result.info.objective  # 0.331614920174
    >>> result.info.gap  # 0

    Weights, and an outlier that does not matter.

    >>> result = norma.lp_regression([[1], [1], [1], [1]], b=[3, 4, 4.5, 1000], weights=[1, 2, 1, 1])
    >>> result.x  # [4]
    >>> result.info.objective  # 997.5
    """
    ...

class _OptimizerStepInfo(Info):
    step: int
    update_norm: float
    update_rms: float
    state_bytes: int

class _OptimizerStepResult(Result):
    info: _OptimizerStepInfo
    weights_out: NDArray[np.float32 | np.float64]

def optimizer_step(
    weights: ArrayLike | PathLike[str],
    gradient: ArrayLike | PathLike[str],
    *,
    optimizer: Literal["sgd", "adamw", "muon", "normuon", "root", "auon", "hybrid-auon", "lion", "dct-adamw", "trion", "galore", "ldadam", "frugal", "fira", "dion"] | None = "adamw",
    state: str | PathLike[str] | None = None,
    state_out: str | PathLike[str] | None = None,
    name: str | None = "weights",
    split: str | None = None,
    lr: float | bool | str | None = None,
    weight_decay: float | bool | str | None = None,
    momentum: float | bool | str | None = None,
    nesterov: float | bool | str | None = None,
    momentum_form: float | bool | str | None = None,
    momentum_warmup: float | bool | str | None = None,
    momentum_start: float | bool | str | None = None,
    decoupled: float | bool | str | None = None,
    cautious_decay: float | bool | str | None = None,
    beta1: float | bool | str | None = None,
    beta2: float | bool | str | None = None,
    eps: float | bool | str | None = None,
    safety: float | bool | str | None = None,
    coefficients: float | bool | str | None = None,
    steps: float | bool | str | None = None,
    scale: float | bool | str | None = None,
    variant: float | bool | str | None = None,
    eps_row: float | bool | str | None = None,
    axis: float | bool | str | None = None,
    quantile: float | bool | str | None = None,
    eps_mode: float | bool | str | None = None,
    threshold: float | bool | str | None = None,
    a: float | bool | str | None = None,
    b: float | bool | str | None = None,
    c: float | bool | str | None = None,
    allow_unbounded: float | bool | str | None = None,
    gamma: float | bool | str | None = None,
    hybrid_steps: float | bool | str | None = None,
    eps_norm: float | bool | str | None = None,
    eps_rms: float | bool | str | None = None,
    rank: float | bool | str | None = None,
    density: float | bool | str | None = None,
    basis: float | bool | str | None = None,
    projector: float | bool | str | None = None,
    side: float | bool | str | None = None,
    update_gap: float | bool | str | None = None,
    rotate: float | bool | str | None = None,
    error_feedback: float | bool | str | None = None,
    ell_norm: float | bool | str | None = None,
    transform: float | bool | str | None = None,
    alpha: float | bool | str | None = None,
    rho: float | bool | str | None = None,
    residual_scale: float | bool | str | None = None,
    growth_limit: float | bool | str | None = None,
    max_shape: float | bool | str | None = None,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _OptimizerStepResult:
    """One step of a training optimizer on arrays.

    Takes weights, the gradient and the state that the last step left, and gives the weights
    and the state after the step: the way to check an optimizer's numbers. Without a state
    it is the first step, from zeros.

    The state is arrays by name: optimizer.step, and OPTIMIZER.ARRAY:NAME for each array of
    the optimizer. The checkpoint of a training run is such a file, where name is the
    parameter's. Types follow the weights; the bits do not depend on the number of threads.

    An option that is left out has the optimizer's own default, and one that the optimizer
    does not have is refused. They are, with true and false for what is on or off, and seed
    being that of the call:

    sgd: lr momentum nesterov weight_decay decoupled

    adamw: lr beta1 beta2 eps weight_decay

    muon: lr momentum nesterov coefficients steps scale weight_decay momentum_form
    momentum_warmup momentum_start cautious_decay eps safety

    normuon: lr momentum nesterov coefficients steps scale weight_decay momentum_form
    momentum_warmup momentum_start cautious_decay eps safety variant beta2 eps_row axis

    root: lr momentum nesterov coefficients steps scale weight_decay momentum_form
    momentum_warmup momentum_start cautious_decay eps safety quantile eps_mode threshold a b
    c allow_unbounded

    auon: lr momentum nesterov weight_decay variant gamma hybrid_steps scale eps_norm
    eps_rms

    hybrid-auon: lr momentum nesterov weight_decay variant gamma hybrid_steps scale eps_norm
    eps_rms

    lion: lr beta1 beta2 weight_decay

    dct-adamw: lr beta1 beta2 eps weight_decay rank basis update_gap rotate error_feedback
    max_shape side ell_norm transform seed

    trion: lr momentum coefficients steps scale weight_decay rank basis side ell_norm
    transform seed

    galore: lr beta1 beta2 eps weight_decay rank alpha update_gap projector side ell_norm
    transform seed

    ldadam: lr beta1 beta2 eps weight_decay rank rho error_feedback side

    frugal: lr beta1 beta2 eps weight_decay density residual_scale update_gap projector side
    ell_norm transform seed

    fira: lr beta1 beta2 eps weight_decay rank alpha growth_limit update_gap projector side
    ell_norm transform seed

    dion: lr momentum scale weight_decay rank seed

    Parameters
    ----------
    weights : array_like float32 or float64
        W: what is trained, a matrix where the optimizer works on matrices. Also a file as
        pathlib.Path.
    gradient : array_like float32 or float64
        G: of the loss, with the shape of the weights. Also a file as pathlib.Path.
    optimizer : {'sgd', 'adamw', 'muon', 'normuon', 'root', 'auon', 'hybrid-auon', 'lion', 'dct-adamw', 'trion', 'galore', 'ldadam', 'frugal', 'fira', 'dion'}, default 'adamw'
        whose step it is.
    state : str or os.PathLike, optional
        what an earlier step left; none: the first step.
    state_out : str or os.PathLike, optional
        where the state goes: safetensors or npz; none: nowhere.
    name : str, default 'weights'
        of the tensor in the state: adamw.m:weights.
    split : str, optional
        row blocks that are matrices of their own, as 64,64,64; they sum to the rows.
    lr : float, bool or str, optional
        base step.
    weight_decay : float, bool or str, optional
        pull of the weights towards 0.
    momentum : float, bool or str, optional
        memory of the gradients.
    nesterov : float, bool or str, optional
        true: look ahead.
    momentum_form : float, bool or str, optional
        whether the momentum is a mean or a sum.
    momentum_warmup : float, bool or str, optional
        steps in which the momentum rises.
    momentum_start : float, bool or str, optional
        momentum of the first step of a warm-up.
    decoupled : float, bool or str, optional
        true: shrink the weights instead of adding to the gradient.
    cautious_decay : float, bool or str, optional
        true: decay only what the step moves towards 0 too.
    beta1 : float, bool or str, optional
        memory of the mean gradient.
    beta2 : float, bool or str, optional
        memory of the mean square, or of the second mean.
    eps : float, bool or str, optional
        added where the optimizer divides by a norm or a root.
    safety : float, bool or str, optional
        multiplies the norm of the matrix before the Newton-Schulz steps.
    coefficients : float, bool or str, optional
        polynomial of the Newton-Schulz steps.
    steps : float, bool or str, optional
        Newton-Schulz steps.
    scale : float, bool or str, optional
        of the step, by the shape of the matrix.
    variant : float, bool or str, optional
        of the method, where its paper and its code differ.
    eps_row : float, bool or str, optional
        added to the root of a row's mean square.
    axis : float, bool or str, optional
        which way the rows that are normalised lie.
    quantile : float, bool or str, optional
        share of the entries that are not clipped.
    eps_mode : float, bool or str, optional
        how the place of clipping is found.
    threshold : float, bool or str, optional
        where it is, if it is given.
    a : float, bool or str, optional
        coefficients=user: of a t + b t^3 + c t^5.
    b : float, bool or str, optional
        as a.
    c : float, bool or str, optional
        as a.
    allow_unbounded : float, bool or str, optional
        true: take coefficients that let singular values grow on the way.
    gamma : float, bool or str, optional
        of the cosh that brakes the step.
    hybrid_steps : float, bool or str, optional
        Newton-Schulz steps before it.
    eps_norm : float, bool or str, optional
        added to norms.
    eps_rms : float, bool or str, optional
        added to the root mean square.
    rank : float, bool or str, optional
        dimensions of the subspace.
    density : float, bool or str, optional
        share of the projected side that they are.
    basis : float, bool or str, optional
        whose columns span the subspace.
    projector : float, bool or str, optional
        what makes the subspace.
    side : float, bool or str, optional
        which side is projected.
    update_gap : float, bool or str, optional
        steps between two subspaces.
    rotate : float, bool or str, optional
        true: the moments follow their columns.
    error_feedback : float, bool or str, optional
        what becomes of what the projection leaves behind.
    ell_norm : float, bool or str, optional
        norm that scores the columns of a basis.
    transform : float, bool or str, optional
        how the scores are found.
    alpha : float, bool or str, optional
        multiplies the step in the subspace.
    rho : float, bool or str, optional
        weight of the mean gradient in the new subspace.
    residual_scale : float, bool or str, optional
        step of what is outside the subspace.
    growth_limit : float, bool or str, optional
        factor by which that may grow in a step.
    max_shape : float, bool or str, optional
        a matrix with a side of this or more is stepped elementwise.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        weights_out : ndarray float32 or float64
            W after the step.
        info.step : int
            number of the step, from 1.
        info.update_norm : float
            2-norm of the change of all elements.
        info.update_rms : float
            root of its mean square.
        info.state_bytes : int
            state of the optimizer. Unit: B.

    References
    ----------
    Zichong Li, Liming Liu, Chen Liang, Weizhu Chen, Tuo Zhao: NorMuon: Making Muon more
    efficient and scalable, 2025, arXiv 2510.05491.

    Examples
    --------
    >>> import norma

    Muon: the singular values 3 and 4 of the gradient become 0.7229 and 1.1192.

    >>> result = norma.optimizer_step([[1, 0], [0, 1]], gradient=[[3, 0], [0, 4]], optimizer='muon', lr=0.1)
    >>> result.weights_out  # [[0.9277124,0],[0,0.8880796]]
    >>> result.info.step  # 1

    Plain gradient descent on a vector.

    >>> result = norma.optimizer_step([1, 2], gradient=[0.5, -1], optimizer='sgd', lr=0.1)
    >>> result.weights_out  # [0.95,2.1]
    >>> result.info.step  # 1
    """
    ...

class _OrthogonalizeInfo(Info):
    source: str
    steps: int
    norm: float
    residual: float
    expected: float
    error: float
    largest: float
    smallest: float
    rank: int
    seconds: float

class _OrthogonalizeResult(Result):
    info: _OrthogonalizeInfo
    q: NDArray[np.float32 | np.float64]

def orthogonalize(
    a: ArrayLike | PathLike[str],
    *,
    triples: ArrayLike | PathLike[str] | None = None,
    coefficients: Literal["muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact", "root", "fit", "best", "each", "generated", "given"] | None = "muon",
    steps: int | None = 0,
    lower: float | None = 0.001,
    safety: float | None = 0.02,
    cushion: float | None = 0.02,
    allow_unbounded: bool | None = False,
    rcond: float | None = 0.0,
    compare: bool | None = False,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _OrthogonalizeResult:
    """The nearest matrix with orthonormal rows or columns, by Newton-Schulz steps or exactly.

    For a = U S V' the nearest matrix with orthonormal rows (or columns, where a is tall) is
    the polar factor U V'. Newton-Schulz steps approach it with products of matrices alone.

    muon and polar_express come near in 5 steps, as training needs it: singular values end
    around 1, those of muon between 0.68 and 1.13 wherever they were above 0.01 of the
    Frobenius norm. polar_express8, muon8+2, and quintic_classic and cubic_classic with
    enough steps, go to 1. exact is the SVD.

    fit, best, each and root choose coefficients for the shape; see orthogonalize-
    coefficients. They expect the singular values of a random matrix; expected says how near
    they come then, and compare how near they came.

    residual is the answer's own proof: the root mean square of t^2 - 1 over the singular
    values t of q. Zero rows and columns stay exactly zero.

    Parameters
    ----------
    a : array_like (m, n), float32 or float64
        the matrix, of any shape and scale. Also a file as pathlib.Path.
    triples : array_like (k, 3), float64, optional
        coefficients=given: a, b, c of each step, the last row serving the steps that
        follow. Also a file as pathlib.Path.
    coefficients : {'muon', 'polar_express', 'polar_express8', 'quintic_classic', 'cubic_classic', 'muon8+2', 'exact', 'root', 'fit', 'best', 'each', 'generated', 'given'}, default 'muon'
        muon to muon8+2: fixed sets; exact: the SVD; root: the table of ROOT's authors for
        the shape, else fit; fit: one triple fitted to the shape; best: fit or
        polar_express, the better for the shape; each: a triple fitted for every step;
        generated: Polar Express for lower, safety, cushion; given: triples.
    steps : int, default 0
        Newton-Schulz steps; 0: as many as belong to the coefficients. Fits take up to 16,
        generated 64. From 0 to 100.
    lower : float, default 0.001
        generated: least singular value over the Frobenius norm that is to reach 1. Above 0,
        at most below 1.
    safety : float, default 0.02
        generated: room for rounding above the largest singular value. From 0 to 1.
    cushion : float, default 0.02
        generated: singular values under cushion times the largest are not fitted to. From 0
        to below 1.
    allow_unbounded : bool, default False
        take coefficients (given, or of the table) that bring singular values of [0, 1]
        above 1.35.
    rcond : float, default 0.0
        exact and compare: singular values up to rcond times the largest count as 0; 0:
        rounding, 2^-52 max(m, n). From 0 to below 1.
    compare : bool, default False
        measure the distance from the polar factor and the singular values, by the SVD.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        q : ndarray (m, n), float32 or float64
            near the polar factor of a; type of a.
        info.source : str
            where the coefficients come from: the name of a set, table, fit, generated,
            given or svd.
        info.steps : int
            Newton-Schulz steps taken; 0 for exact.
        info.norm : float
            Frobenius norm of a. Unit: a.
        info.residual : float
            |Q Q' - I|_F / sqrt(s) on the smaller side: root mean square of t^2 - 1 over the
            singular values t of q.
        info.expected : float
            fitted coefficients: relative distance from the polar factor for a Gaussian
            matrix of the shape; else NaN.
        info.error : float
            compare: |Q - UV'|_F / |UV'|_F; else NaN.
        info.largest : float
            compare: largest singular value of q; else NaN.
        info.smallest : float
            compare: smallest singular value of q; else NaN.
        info.rank : int
            exact and compare: singular values of a that count; else -1.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Z. Li, L. Liu, C. Liang, W. Chen, T. Zhao, NorMuon, 2025, arXiv 2510.05491; K. Jordan
    and others, Muon, 2024; N. Amsel, D. Persson, C. Musco, R. M. Gower, The Polar Express,
    2025, arXiv 2505.16932.

    Examples
    --------
    >>> import norma

    The steps of Muon: near, and fast.

    >>> result = norma.orthogonalize([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1]])
    >>> result.q  # [[0.4514316604,0.7529290038,-0.3109954046,-0.0126109461],[0.1656581480,0.2731625663,0.8668185984,-0.5226596829],[0.9838765454,-0.3341420401,0.1782690941,0.3325855977]]
    >>> result.info.norm  # 5.0990195136
    >>> result.info.steps  # 5

    The polar factor itself.

    >>> result = norma.orthogonalize([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1]], coefficients='exact')
    >>> result.q  # [[0.4240087628,0.8333034448,-0.3533247066,-0.0313622318],[0.1334085197,0.2592380113,0.8158307537,-0.4994176626],[0.8637779979,-0.3578276987,0.1647707515,0.3141615951]]
    >>> result.info.residual  # 0
    >>> result.info.rank  # 3

    Polar Express, measured by the SVD.

    >>> result = norma.orthogonalize([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1]], coefficients='polar_express', compare=True)
    >>> result.q  # [[0.3990504610,0.9347153482,-0.4098118165,-0.0505558108],[0.0903502661,0.2581443841,0.8002475141,-0.5033815874],[0.7403708742,-0.3933175172,0.1409060769,0.3051130764]]
    >>> result.info.rank  # 3

    Coefficients of one's own.

    >>> result = norma.orthogonalize([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1]], triples=[[2.9794, -3.6674, 1.6207]], coefficients='given')
    >>> result.q  # [[0.3997361152,0.7847224354,-0.3325842604,-0.0294775370],[0.1261069288,0.2441516495,0.7684854996,-0.4702880235],[0.8147625967,-0.3369529365,0.1555844657,0.2960131381]]
    """
    ...

class _OrthogonalizeCoefficientsInfo(Info):
    source: str
    divisor: float
    error: float
    error_muon: float
    error_quintic_classic: float
    error_polar_express: float
    objective: float
    sup: float
    sup_at: float
    slope: float
    lowest: float
    iterations: int
    seconds: float

class _OrthogonalizeCoefficientsResult(Result):
    info: _OrthogonalizeCoefficientsInfo
    coefficients: NDArray[np.float64]

def orthogonalize_coefficients(
    *,
    spectrum: ArrayLike | PathLike[str] | None = None,
    kind: Literal["polar-express", "table", "fit", "best", "each"] | None = "polar-express",
    steps: int | None = 5,
    lower: float | None = 0.001,
    safety: float | None = 0.02,
    cushion: float | None = 0.02,
    rows: int | None = 0,
    cols: int | None = 0,
    allow_unbounded: bool | None = False,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _OrthogonalizeCoefficientsResult:
    """Coefficients of Newton-Schulz steps, by greedy minimax or fitted to a shape or to measured singular values.

    A Newton-Schulz step maps every singular value t of a matrix, divided by its Frobenius
    norm, to a t + b t^3 + c t^5. This finds a, b, c for the steps to come, so that all
    values end near 1.

    polar-express gives each step the quintic nearest to 1 on what the steps before left of
    [lower, 1]: good for any matrix without singular values below lower.

    fit takes one triple for all steps and minimises the mean square distance from 1 over a
    spectrum: of Gaussian matrices with rows and cols, of the values measured, or of both.
    Where the matrix is much longer than wide it is far better than any fixed set; where it
    is square, no single triple reaches the small values, and polar-express is better from
    256 rows on: best compares them. each fits a triple for every step.

    A fit belongs to its number of steps. It never lets a number of [0, 1] grow above 1.35
    on the way (sup), for a matrix of low rank has singular values that no Gaussian one has.
    The published triple for 2048 x 2048 does: it is replaced by a fit unless
    allow_unbounded.

    Parameters
    ----------
    spectrum : array_like (k), float64, optional
        singular values measured on matrices, each over the Frobenius norm of its matrix.
        Also a file as pathlib.Path.
    kind : {'polar-express', 'table', 'fit', 'best', 'each'}, default 'polar-express'
        polar-express: greedy minimax on [lower, 1]; table: of ROOT's authors for rows and
        cols, else fit; fit: one triple fitted to the spectrum; best: fit or polar-express,
        the nearer; each: a triple fitted for every step.
    steps : int, default 5
        steps the coefficients are for; fits take up to 16. From 1 to 64.
    lower : float, default 0.001
        polar-express: least singular value over the Frobenius norm that is to reach 1.
        Above 0, at most below 1.
    safety : float, default 0.02
        polar-express: room for rounding above the largest singular value. From 0 to 1.
    cushion : float, default 0.02
        polar-express: singular values under cushion times the largest are not fitted to.
        From 0 to below 1.
    rows : int, default 0
        of the matrices: their singular values count as those of Gaussian ones of this
        shape; 0: no shape. From 0 to 2**53.
    cols : int, default 0
        of the matrices. From 0 to 2**53.
    allow_unbounded : bool, default False
        table: take an entry that brings singular values of [0, 1] above 1.35.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        coefficients : ndarray (steps, 3), float64
            a, b, c of each step.
        info.source : str
            what they are in the end: generated, table, fit or polar_express.
        info.divisor : float
            of (1): divide the matrix by divisor times its Frobenius norm first.
        info.error : float
            relative distance from the polar factor on the spectrum; NaN without shape and
            spectrum.
        info.error_muon : float
            of the set muon there, as many steps.
        info.error_quintic_classic : float
            of the set quintic_classic there, as many steps.
        info.error_polar_express : float
            of the set polar_express there, as many steps.
        info.objective : float
            what the fit minimised: mean square error with a tenth of the weight on [0.05,
            1]; else NaN.
        info.sup : float
            largest value that any number of [0, 1] takes on the way.
        info.sup_at : float
            that number.
        info.slope : float
            by which singular values near 0, over the Frobenius norm, are multiplied in all.
        info.lowest : float
            polar-express: [lower, 1] ends within [lowest, 2 - lowest]; else NaN.
        info.iterations : int
            of the fit.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    W. He, K. Han, H. Zhou, H. Chen, Z. Liu, X. Chen, Y. Wang, ROOT: Robust Orthogonalized
    Optimizer for Neural Network Training, 2025, arXiv 2511.20626; N. Amsel, D. Persson, C.
    Musco, R. M. Gower, The Polar Express, 2025, arXiv 2505.16932.

    Examples
    --------
    >>> import norma

    Polar Express as published.

    >>> result = norma.orthogonalize_coefficients(lower=0.001, steps=5, safety=0.02, cushion=0.02)
    >>> result.coefficients  # [[8.15655,-22.48329,15.87877],[4.04293,-2.80892,0.50002],[3.89167,-2.77248,0.50606],[3.28575,-2.36813,0.46449],[2.34654,-1.70978,0.42324]]
    >>> result.info.slope  # 970.067
    >>> result.info.lowest  # 0.858873

    Fitted to 64 x 256.

    >>> result = norma.orthogonalize_coefficients(kind='fit', rows=64, cols=256)
    >>> result.coefficients  # [[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221],[2.0877,-1.701829,0.614221]]
    >>> result.info.error  # 0.00033
    >>> result.info.error_muon  # 0.2167

    Fitted to two measured singular values, for two steps.

    >>> result = norma.orthogonalize_coefficients(spectrum=[0.5, 0.8], kind='fit', steps=2)
    >>> result.info.error  # 0.008758
    >>> result.info.error_muon  # 0.210417
    >>> result.info.sup  # 1.24935
    """
    ...

class _PrivateSparseRegressionInfo(Info):
    messages: int
    epsilon: float
    delta: float
    most_epsilon: float
    most_delta: float
    secure: bool
    sigma: float
    covariance_sd: float
    offdiagonal_sd: float
    moment_sd: float
    radius: float
    message_norm: float
    grid_delta: float
    message_bytes: int
    clipped: int
    nonfinite: int
    threshold: float
    not_pd: bool
    raised: int
    kappa: float
    round: int
    unused: int
    support: int
    raw_error: float
    error: float
    seconds: float

class _PrivateSparseRegressionResult(Result):
    info: _PrivateSparseRegressionInfo
    reports: NDArray[np.uint8]
    coefficients: NDArray[np.float64]
    raw: NDArray[np.float64]
    next_theta: NDArray[np.float64]

def private_sparse_regression(
    *,
    x: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    y: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    received: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    theta: ArrayLike | PathLike[str] | None = None,
    public_x: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    truth: ArrayLike | PathLike[str] | None = None,
    role: Literal["simulate", "client", "server"] | None = "simulate",
    mode: Literal["nldp", "nldp-public", "isotropic", "iht"] | None = "nldp",
    calibration: Literal["tight", "paper"] | None = "tight",
    eps: float | None = 1.0,
    delta: float | None = 1e-06,
    users: int | None = 0,
    r: float | None = 0.0,
    tau1: float | None = 0.0,
    tau2: float | None = 0.0,
    split: float | None = 0.5,
    threshold: float | None = -1.0,
    threshold_factor: float | None = 1.0,
    refit: bool | None = False,
    kappa_min: float | None = 0.0,
    k: int | None = 0,
    kprime: int | None = 0,
    rounds: int | None = 0,
    growth: float | None = 1.0,
    eta: float | None = 1.0,
    radius: Literal["paper", "score"] | None = "paper",
    score_bound: float | None = 0.0,
    update: Literal["hard", "soft"] | None = "hard",
    average: bool | None = False,
    round: int | None = 1,
    first_user: int | None = 0,
    ledger: str | PathLike[str] | None = None,
    again: bool | None = False,
    d: int | None = 0,
    state: str | PathLike[str] | None = None,
    save_state: str | PathLike[str] | None = None,
    keep_open: bool | None = False,
    each_message: bool | None = False,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _PrivateSparseRegressionResult:
    """Sparse regression under local differential privacy: each person sends one randomised message.

    Nobody hands over a record. A client turns (x, y) into a message whose law differs by at
    most a factor e^eps, up to a chance delta, between any two records; the server estimates
    the coefficients from the messages of many.

    nldp sends x x' and x y with noise and takes very many people when there are many
    columns; nldp-public sends x y alone and takes the covariance from public rows;
    isotropic knows it to be the identity; iht goes in rounds, each person taking part in
    one, and is the most accurate. All parameters must be public: never tune them on the
    records.

    epsilon and delta are guaranteed for each message against everybody, the server
    included, also in floating point: noise is drawn exactly, on a grid, and the sign of an
    iht message by comparing whole numbers. secure tells whether the bits behind it are
    secret: they come from the operating system unless a seed was chosen. A simulation
    protects nobody.

    What to rely on: sums of messages are exact, so their order, merging, threads and ranks
    change nothing; a damaged message, one of other parameters or of another round is
    refused. not_pd says that so many people are too few for nldp.

    Parameters
    ----------
    x : array_like (n, d), float32 or float64, optional
        client, simulate: a row for each person; a stream of any length. Also an iterator of
        rows or of blocks of rows or a file as pathlib.Path.
    y : array_like (n) or (n, 1), float32 or float64, optional
        client, simulate: what is to be explained, a number for each person. Also an
        iterator of rows or of blocks of rows or a file as pathlib.Path.
    received : array_like (m, w), uint8, optional
        server: the reports of clients, a row of bytes each, in any order. Also an iterator
        of rows or of blocks of rows or a file as pathlib.Path.
    theta : array_like (d), float64, optional
        client, iht: what the server sent for this round; zeros in the first. Unit: y/x.
        Also a file as pathlib.Path.
    public_x : array_like (p, d), float32 or float64, optional
        nldp-public: rows of x that need no protection, without y. Also an iterator of rows
        or of blocks of rows or a file as pathlib.Path.
    truth : array_like (d), float64, optional
        to compare with: the error goes into the report. Unit: y/x. Also a file as
        pathlib.Path.
    role : {'simulate', 'client', 'server'}, default 'simulate'
        client: records to reports; server: reports to coefficients; simulate: both on a
        table.
    mode : {'nldp', 'nldp-public', 'isotropic', 'iht'}, default 'nldp'
        nldp, nldp-public and isotropic: one message each, no waiting; iht: in rounds, delta
        = 0.
    calibration : {'tight', 'paper'}, default 'tight'
        tight: one joint release with the least noise that eps and delta allow; paper: the
        paper's noise.
    eps : float, default 1.0
        privacy budget of a message. Above 0, at most 1e+07.
    delta : float, default 1e-06
        chance that eps does not bound, between 0 and 1; iht does not use it. From 0 to 1.
    users : int, default 0
        people who take part in all, a public number; 0: the rows of x (simulate), not known
        (client, server). From 0 to 2**53.
    r : float, default 0.0
        records are shrunk to |x| <= r; 0: sqrt(d). From 0 to 1e+100. Unit: x.
    tau1 : float, default 0.0
        entries of x are clipped to it (paper, iht); 0: sqrt(2 ln users). From 0 to 1e+100.
        Unit: x.
    tau2 : float, default 0.0
        y is clipped to it; 0: sqrt(2 ln users). From 0 to 1e+100. Unit: y.
    split : float, default 0.5
        nldp, tight: share of the budget for x x', 0 < split < 1. From 0 to 1.
    threshold : float, default -1.0
        soft threshold lambda; -1: threshold_factor sqrt(2 ln d) standard deviations of the
        noise. From -1 to 1e+100.
    threshold_factor : float, default 1.0
        factor of that rule. From 0 to 1e+06.
    refit : bool, default False
        fit once more on the entries that the threshold left, without its shrinkage.
    kappa_min : float, default 0.0
        nldp: least eigenvalue of the covariance; 0: a tenth of their mean. From 0 to
        1e+100.
    k : int, default 0
        iht: entries of theta that are not 0; must be given. From 0 to 2147483647.
    kprime : int, default 0
        iht: entries kept in a round; 0: 8 k (2 k is better in practice). From 0 to
        2147483647.
    rounds : int, default 0
        iht: groups of users; 0: ln(users), rounded up. From 0 to 1000000.
    growth : float, default 1.0
        iht: a group has so many times the users of the one before. From 1 to 100.
    eta : float, default 1.0
        iht: step; about 1 / the largest eigenvalue of the covariance. Above 0, at most
        1e+100.
    radius : {'paper', 'score'}, default 'paper'
        iht: gradients are bounded by the worst case (paper) or clipped to score_bound
        (score), which is far less noise.
    score_bound : float, default 0.0
        iht, score: that bound; 0: sqrt(d) tau2 / 4. From 0 to 1e+100. Unit: x y.
    update : {'hard', 'soft'}, default 'hard'
        iht: keep kprime entries (hard) or shrink all (soft).
    average : bool, default False
        iht: the mean of the second half of the rounds in place of the last.
    round : int, default 1
        client, iht: the round of these messages. From 1 to 1000000.
    first_user : int, default 0
        client: number of the person of the first row; rows follow it. From 0 to 2**53.
    ledger : str or os.PathLike, optional
        client: what each person has spent; made where there is none, and kept up.
    again : bool, default False
        client: let a person of the ledger send once more; budgets add up.
    d : int, default 0
        server: columns of x; 0: as the reports say. From 0 to 2**24.
    state : str or os.PathLike, optional
        server: go on from a state that was saved.
    save_state : str or os.PathLike, optional
        server: where to save the state.
    keep_open : bool, default False
        server, iht: take messages in and do not end the round.
    each_message : bool, default False
        simulate: draw every person's Gaussian noise, not that of the sum.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        reports : ndarray (n, w), uint8
            client: one message a row, which may be shown to anybody. Made when it costs
            nothing.
        coefficients : ndarray (d), float64
            server, simulate: the estimate of theta. Unit: y/x. Made when it costs nothing.
        raw : ndarray (d), float64
            server, simulate: the same before the threshold. Unit: y/x. Made on request:
            want or out.
        next_theta : ndarray (d), float64
            server, iht: what the users of the next round need. Unit: y/x. Made on request:
            want or out.
        info.messages : int
            made (client), absorbed (server) or simulated.
        info.epsilon : float
            of one message, guaranteed to its sender against everybody.
        info.delta : float
            of one message; what the grid of the noise adds is within it.
        info.most_epsilon : float
            that any one person has spent; for client with a ledger the sum of their
            messages.
        info.most_delta : float
            the same of delta.
        info.secure : bool
            client: the noise is secret, from the operating system; false with a chosen
            seed, and in simulate.
        info.sigma : float
            noise for a sensitivity of 1: the analytic or (paper) classical Gaussian
            mechanism; NaN for iht.
        info.covariance_sd : float
            nldp: noise of a diagonal entry of x x' in a message; else NaN. Unit: x^2.
        info.offdiagonal_sd : float
            the same of other entries. Unit: x^2.
        info.moment_sd : float
            noise of an entry of x y in a message; NaN for iht. Unit: x y.
        info.radius : float
            iht: bound of a gradient, r; else NaN. Unit: x y.
        info.message_norm : float
            iht: length B of every message; else NaN. Unit: x y.
        info.grid_delta : float
            what noise on a grid in place of a continuum can add to delta; taken off before.
        info.message_bytes : int
            of one message.
        info.clipped : int
            records outside the promised range, known to their owners alone; -1 for server.
        info.nonfinite : int
            records with NaN or Inf, sent as 0; -1 for server.
        info.threshold : float
            largest soft threshold of an entry; NaN where there was none.
        info.not_pd : bool
            nldp: the noisy covariance had eigenvalues below kappa and they were raised: too
            few users for this noise.
        info.raised : int
            that many.
        info.kappa : float
            least eigenvalue after that; NaN for iht.
        info.round : int
            iht: rounds ended so far.
        info.unused : int
            iht: users left over in no group.
        info.support : int
            entries of the coefficients that are not 0.
        info.raw_error : float
            |raw - truth|_2; NaN without truth.
        info.error : float
            |coefficients - truth|_2; NaN without truth.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    L. Zhu, M. Ding, V. Aggarwal, J. Xu, D. Wang, Improved Analysis of Sparse Linear
    Regression in Local Differential Privacy Model, ICLR 2024, arXiv 2310.07367.

    Examples
    --------
    >>> import norma

    Noise that vanishes: least squares, soft threshold.

    >>> result = norma.private_sparse_regression(x=[[1, 1], [1, -1], [-1, 1], [-1, -1]], y=[0.9, 0.7, -0.7, -0.9], eps=10000000.0, delta=0.5, r=1.5, tau2=1.0, threshold=0.05)
    >>> result.coefficients  # [0.75,0.05]

    Two messages, of which nobody learns much.

    >>> result = norma.private_sparse_regression(role='client', mode='isotropic', x=[[1, -1], [0.5, 2]], y=[1, 0], tau2=2.0, r=2.0)
    >>> result.info.messages  # 2
    >>> result.info.message_bytes  # 40
    >>> result.info.clipped  # 1
    """
    ...

class _RowSketchInfo(Info):
    rows: int
    total_rows: int
    passes: int
    seconds: float

class _RowSketchResult(Result):
    info: _RowSketchInfo
    sa: NDArray[np.float64]

def row_sketch(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    rows: int,
    sketch: Literal["gaussian", "srht", "srct", "bgp", "countsketch", "osnap"] | None = "srht",
    nonzeros: int | None = 8,
    pool: int | None = 1,
    replace: bool | None = False,
    total_rows: int | None = 0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _RowSketchResult:
    """The rows of a tall matrix compressed to a few random combinations, from one pass.

    Multiplies a by a random matrix S of rows rows: norms and inner products of all columns,
    and of their combinations, are kept to about sqrt(d / rows), so what is computed from sa
    is near what a would have given. Two matrices with the same number of rows and the same
    seed get the same S: a and right-hand sides may be compressed apart.

    srht is the usual choice: a fast transform that spreads every row over all combinations.
    gaussian is the reference, and costs rows times as much as reading a. countsketch is the
    cheapest, and one large or lonely row can spoil it; osnap lies between. bgp is what a
    theorem covers for errors coordinate by coordinate; from a stream it is slower than from
    memory.

    What to rely on: the sketch is unbiased, E[S'S] = I; S is a function of the seed, the
    sizes and the options, the same however a is stored, cut or shared out; memory does not
    grow with the number of rows.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows of the matrix, dense or sparse; a stream of any length is read once. Also a
        sparse matrix, an iterator of rows or of blocks of rows or a file as pathlib.Path.
    rows : int
        of the sketch, m; bgp: rounded up to a power of two. From 1 to 2147483647. Unit:
        rows.
    sketch : {'gaussian', 'srht', 'srct', 'bgp', 'countsketch', 'osnap'}, default 'srht'
        S: gaussian, of fast transforms (srht, srct, bgp), or sparse (countsketch, osnap).
    nonzeros : int, default 8
        osnap: entries in a column of S, at most rows. From 1 to 2147483647.
    pool : int, default 1
        bgp: least number of transformed rows in a sum. From 1 to 2**40.
    replace : bool, default False
        srht, srct: draw rows of the transform with replacement.
    total_rows : int, default 0
        n, where the input cannot tell and it is known; 0: as the input says, or counted.
        From 0 to 2**53. Unit: rows.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        sa : ndarray (m, d), float64
            the sketch S a. Unit: a.
        info.rows : int
            m. Unit: rows.
        info.total_rows : int
            n. Unit: rows.
        info.passes : int
            over a: 1, or 2 where its rows had to be counted.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Z. Song, M. Ye, J. Yin, L. Zhang, A Nearly-Optimal Bound for Fast Regression with
    l-infinity Guarantee, ICML 2023, arXiv 2302.00248.

    Examples
    --------
    >>> import norma

    Four rows to two, by signs of a Hadamard matrix.

    >>> result = norma.row_sketch([[1, 2], [0, 1], [1, -1], [3, 1]], rows=2)
    >>> result.sa  # [[-2.1213203435596424,-3.5355339059327378],[0.70710678118654757,-0.70710678118654757]]
    >>> result.info.rows  # 2
    >>> result.info.total_rows  # 4
    >>> result.info.passes  # 1

    Every row into one of two buckets, under a sign.

    >>> result = norma.row_sketch([[1, 0], [0, 1], [2, 0], [0, 2]], rows=2, sketch='countsketch')
    >>> result.sa  # [[2,-1],[-1,-2]]
    >>> result.info.rows  # 2
    """
    ...

class _SelectColumnsInfo(Info):
    side: str
    length: int
    rank: int
    norm: float
    residual: float
    captured: float
    bound: float
    best: float
    seconds: float

class _SelectColumnsResult(Result):
    info: _SelectColumnsInfo
    index: NDArray[np.int64]
    projection: NDArray[np.float32 | np.float64]
    approximation: NDArray[np.float32 | np.float64]
    scores: NDArray[np.float64]

def select_columns(
    a: ArrayLike | PathLike[str],
    *,
    rank: int | None = 0,
    basis: Literal["dct2", "dct3", "hadamard", "random", "identity"] | None = "dct2",
    side: Literal["auto", "left", "right"] | None = "auto",
    ell_norm: int | None = 2,
    transform: Literal["auto", "fft", "gemm"] | None = "auto",
    compare: bool | None = False,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _SelectColumnsResult:
    """A matrix projected on the columns of a cosine, Hadamard or random basis along which it lies best.

    One fixed orthogonal basis serves every matrix of a size; what is chosen for each is
    which rank of its columns hold most of it. That takes one fast transform of every row or
    column, whatever the rank, where singular vectors take a decomposition: DCT-AdamW and
    Trion project gradients so.

    residual is the share of a, by Frobenius norms, that the projection leaves behind, and
    captured the share of its energy, by squared norms, that the projection holds, both
    measured on the numbers handed out. With ell_norm 2 no other choice of columns leaves
    less, and at most bound; compare tells what the best of all projections, the leading
    singular vectors, would leave.

    random draws its basis from the seed.

    Parameters
    ----------
    a : array_like (m, n), float32 or float64
        the matrix, such as a gradient. Also a file as pathlib.Path.
    rank : int, default 0
        columns to choose, at most the projected side; 0: a quarter of it, up to 128. From 0
        to 2147483647.
    basis : {'dct2', 'dct3', 'hadamard', 'random', 'identity'}, default 'dct2'
        dct2: cosines as columns; dct3: as rows; hadamard: length a power of two; random:
        from the seed; identity: coordinates.
    side : {'auto', 'left', 'right'}, default 'auto'
        which side is projected; auto: the shorter one, right where the matrix is square.
    ell_norm : int, default 2
        p of the scores: 2 leaves the least behind, 1 is what DCT-AdamW takes. From 1 to 2.
    transform : {'auto', 'fft', 'gemm'}, default 'auto'
        how S is made: fft, by products (gemm), or fft from length 64 on (auto).
    compare : bool, default False
        measure what the best projection of that rank leaves, by the SVD.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        index : ndarray (r), int64
            the columns of the basis, ascending, from 0.
        projection : ndarray (p, q), float32 or float64
            a times these columns (m x r) where the right side is projected, else they
            transposed times a (r x n); type of a. Unit: a.
        approximation : ndarray (m, n), float32 or float64
            the projection taken back to the shape of a; type of a. Unit: a. Made on
            request: want or out.
        scores : ndarray (l), float64
            norms of all columns (right) or rows (left) of a in the basis. Unit: a. Made on
            request: want or out.
        info.side : str
            the projected side: left or right.
        info.length : int
            of that side, and of the basis.
        info.rank : int
            columns chosen.
        info.norm : float
            Frobenius norm of a; infinite beyond the range of f64. Unit: a.
        info.residual : float
            |A - up|_F / |A|_F, measured on the numbers; 0 for a zero matrix.
        info.captured : float
            share of |A|_F^2 that the projection holds, |projection|_F^2 / |A|_F^2; 1 for a
            zero matrix.
        info.bound : float
            sqrt(1 - rank / length), which residual does not exceed where ell_norm is 2.
        info.best : float
            compare: least residual of any projection of that rank; else NaN.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    I.-V. Modoranu, M. Safaryan, E. Schultheis, M. Ryabinin, A. Chumachenko, D. Alistarh,
    SVD-Free Low-Rank Adaptive Gradient Optimization for Large Language Models, 2025, arXiv
    2505.17967.

    Examples
    --------
    >>> import norma

    Two of three frequencies, and what the SVD would leave.

    >>> result = norma.select_columns([[1, 2, -1, 0], [0, 1, 3, -2], [2, -1, 0, 1]], rank=2, ell_norm=1, compare=True)
    >>> result.index  # [0,2]
    >>> result.projection  # [[1.7320508076,1.1547005384,1.1547005384,-0.5773502692],[1.2247448714,-0.4082482905,-2.8577380332,2.0412414523]]
    >>> result.info.residual  # 0.4803844614
    >>> result.info.captured  # 0.7692307692
    >>> result.info.bound  # 0.5773502692
    >>> result.info.best  # 0.4341650026

    All coordinates of a tall matrix: nothing is left behind.

    >>> result = norma.select_columns([[3, 4], [0, 1], [2, 2]], rank=2, basis='identity')
    >>> result.index  # [0,1]
    >>> result.projection  # [[3,4],[0,1],[2,2]]
    >>> result.info.residual  # 0
    >>> result.info.captured  # 1
    """
    ...

class _SoftmaxInfo(Info):
    rows: int
    columns: int
    slow_rows: int
    algorithm: str
    isa: str
    nt_stores: bool
    bytes: float
    bandwidth: float
    seconds: float

class _SoftmaxResult(Result):
    info: _SoftmaxInfo
    y: NDArray[np.float32 | np.float64]
    lse: NDArray[np.float64]

def softmax(
    x: ArrayLike | PathLike[str],
    *,
    mask: ArrayLike | PathLike[str] | None = None,
    algorithm: Literal["auto", "two-pass", "three-pass-recompute", "three-pass-reload", "block-reload", "online"] | None = "auto",
    log: bool | None = False,
    alpha: float | None = 1.0,
    isa: Literal["auto", "scalar", "avx2", "avx512"] | None = "auto",
    nt_stores: Literal["auto", "never", "always"] | None = "auto",
    block: int | None = 32768,
    all_masked: Literal["zero", "nan", "uniform"] | None = "zero",
    infinity: Literal["nan", "uniform"] | None = "nan",
    guard: bool | None = True,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _SoftmaxResult:
    """Softmax, log-softmax and logsumexp along the last axis, in two passes over memory.

    y_i = exp(alpha x_i) / sum_j exp(alpha x_j) along the last axis.

    The two-pass algorithm keeps every exponential as a mantissa and an exponent, so it
    needs no maximum first: it reads x twice and writes y once, where the usual algorithms
    make three passes. Rows that fit the cache are done with one exponential an element
    instead. auto chooses.

    A NaN makes its row NaN. Elements that are -inf or masked are exactly 0. A row with
    nothing left is 0 (all_masked), a row with +inf is NaN (infinity). Elements of any
    finite size are handled.

    The result does not depend on the number of threads.

    Parameters
    ----------
    x : array_like float32 or float64
        numbers of any shape with at least one axis; the last axis is normalised. Also a
        file as pathlib.Path.
    mask : array_like uint8, optional
        0 excludes an element; of the shape of x, or one row for all. Also a file as
        pathlib.Path.
    algorithm : {'auto', 'two-pass', 'three-pass-recompute', 'three-pass-reload', 'block-reload', 'online'}, default 'auto'
        how the passes over memory are arranged; auto goes by the length of a row.
    log : bool, default False
        log-softmax, z - logsumexp(z), in place of softmax.
    alpha : float, default 1.0
        factor on x, the inverse of the temperature; 0 gives the uniform distribution.
    isa : {'auto', 'scalar', 'avx2', 'avx512'}, default 'auto'
        instruction set of the kernels; auto takes the best of the machine.
    nt_stores : {'auto', 'never', 'always'}, default 'auto'
        write y around the caches; auto does so when x and y together exceed the last cache.
    block : int, default 32768
        length of the pieces of a row whose sums are merged in f64; fixes the bits, not the
        result. From 1024 to 2**24. Unit: elements.
    all_masked : {'zero', 'nan', 'uniform'}, default 'zero'
        what a row becomes in which every entry is -inf or excluded.
    infinity : {'nan', 'uniform'}, default 'nan'
        what a row with +inf becomes: NaN (inf - inf), or uniform over those entries.
    guard : bool, default True
        clamp entries and check sums; without it the bare algorithm of the paper runs, for
        which |z| must stay below 100000 and -inf is not allowed.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        y : ndarray float32 or float64
            softmax of x, or its logarithm; shape and type of x, and it may be x itself.
        lse : ndarray float64
            log of the sum of exponentials of each row; shape of x without its last axis.
            Made on request: want or out.
        info.rows : int
            rows.
        info.columns : int
            elements of a row.
        info.slow_rows : int
            rows that needed the exact f64 path: NaN, infinite, all masked, huge.
        info.algorithm : str
            algorithm that ran.
        info.isa : str
            instruction set that ran.
        info.nt_stores : bool
            y was written around the caches.
        info.bytes : float
            what the passes read and wrote, first-write reads not counted. Unit: bytes.
        info.bandwidth : float
            bytes per second. Unit: GB/s.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv
    2001.04438.

    Examples
    --------
    >>> import norma

    Softmax of four numbers that overflow exp.

    >>> result = norma.softmax([1000, 1001, 999, -1000])
    >>> result.y  # [0.24472847105,0.66524095577,0.09003057317,0]
    >>> result.info.slow_rows  # 0

    Rows, with a mask and the logarithm of the sums.

    >>> result = norma.softmax([[0, 1, 2], [3, 3, 3]], mask=[1, 1, 0], want='lse')
    >>> result.y  # [[0.2689414213699951,0.7310585786300049,0],[0.5,0.5,0]]
    >>> result.lse  # [1.3132616875182228,3.6931471805599454]

    Logarithm, at twice the temperature.

    >>> result = norma.softmax([2, 4], alpha=0.5, log=True)
    >>> result.y  # [-1.3132616875182228,-0.3132616875182228]

    The paper's two passes, by name.

    >>> result = norma.softmax([[1, 2, 3], [1, 1, 1]], algorithm='two-pass', isa='scalar')
    >>> result.y  # [[0.09003057317038046,0.24472847105479767,0.6652409557748219],[0.3333333333333333,0.3333333333333333,0.3333333333333333]]
    """
    ...

class _SoftmaxBackwardInfo(Info):
    rows: int
    columns: int
    seconds: float

class _SoftmaxBackwardResult(Result):
    info: _SoftmaxBackwardInfo
    dx: NDArray[np.float32 | np.float64]

def softmax_backward(
    y: ArrayLike | PathLike[str],
    gradient: ArrayLike | PathLike[str],
    *,
    log: bool | None = False,
    alpha: float | None = 1.0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _SoftmaxBackwardResult:
    """Derivative of a loss by the argument of softmax or log-softmax, from that by its result.

    With y = softmax(alpha x) along the last axis and g the derivative of a loss by y,

    dx = alpha y (g - <y, g>), and with log, dx = alpha (g - exp(y) sum g).

    x itself is not needed. The sums are taken in double precision. Masked elements have y =
    0 and so dx = 0. With log they have y = -inf: constant whatever x is, so their g counts
    for nothing and their dx is 0.

    The result does not depend on the number of threads.

    Parameters
    ----------
    y : array_like float32 or float64
        what softmax returned, of any shape with at least one axis; the last axis is the
        normalised one. Also a file as pathlib.Path.
    gradient : array_like float32 or float64
        derivative of a loss by y; shape of y. Also a file as pathlib.Path.
    log : bool, default False
        y is the log-softmax.
    alpha : float, default 1.0
        factor on x in the forward call.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        dx : ndarray float32 or float64
            derivative of the loss by x; shape and type of y, and it may be y or gradient
            itself.
        info.rows : int
            rows.
        info.columns : int
            elements of a row.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Marat Dukhan, Artsiom Ablavatski: The Two-Pass Softmax Algorithm, 2020, arXiv
    2001.04438.

    Examples
    --------
    >>> import norma

    Of the first probability alone.

    >>> result = norma.softmax_backward([0.25, 0.75], gradient=[1, 0])
    >>> result.dx  # [0.1875,-0.1875]

    Rows, one of them certain: nothing flows.

    >>> result = norma.softmax_backward([[0.5, 0.25, 0.25], [1, 0, 0]], gradient=[[1, 2, 4], [1, 2, 4]])
    >>> result.dx  # [[-0.5,0,0.5],[0,0,0]]
    >>> result.info.rows  # 2
    >>> result.info.columns  # 3

    Of a log-probability, at twice the temperature.

    >>> result = norma.softmax_backward([-1.3862943611198906, -0.2876820724517809], gradient=[1, 0], log=True, alpha=0.5)
    >>> result.dx  # [0.375,-0.375]
    """
    ...

class _SparseOtInfo(Info):
    value: float
    primal_cost: float
    primal: float
    gap: float
    row_residual: float
    column_residual: float
    dual_residual: float
    feasible: bool
    polished: bool
    k: int
    nnz: int
    max_nnz: int
    iterations: int
    evaluations: int
    solver: str
    dropped_rows: int
    dropped_columns: int
    seconds: float

class _SparseOtResult(Result):
    info: _SparseOtInfo
    plan: Any
    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    relaxed_plan: Any

def sparse_ot(
    a: ArrayLike | PathLike[str],
    b: ArrayLike | PathLike[str],
    cost: ArrayLike | PathLike[str],
    *,
    k: int,
    gamma: float | None = 1.0,
    form: Literal["semi-dual", "dual"] | None = "semi-dual",
    solver: Literal["auto", "lbfgs", "adam", "bundle", "subgradient"] | None = "auto",
    tol: float | None = 1e-06,
    max_iter: int | None = 500,
    memory: int | None = 10,
    axis: Literal["column", "row"] | None = "column",
    polish: bool | None = True,
    lr: float | None = 0.01,
    adam_iters: int | None = 20,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _SparseOtResult:
    """Optimal transport with at most k non-zeros in each column of the plan.

    Moves the masses a to the masses b at least cost <T, C> + (gamma/2)|T|^2, with at most k
    sources for each target (axis row: at most k targets for each source). Small k gives
    plans close to exact transport, k = m gives transport with a quadratic penalty; k
    between them keeps the plan sparse and the problem easy.

    The problem is not convex. Its concave dual is maximised; the value is a lower bound on
    the cost of every k-sparse plan, and gap says how far the plan returned can be from the
    best. Where the dual's maximiser leaves ties, often for small k, the plan read off it
    misses some row sums; polishing then solves again on the support that was found. If no
    feasible plan is found there, the status is relaxed and the residuals say by how much
    the marginals are missed.

    Rows and columns without mass are left out. Totals that differ by less than 1e-6 are
    made equal by scaling b. A similarity S is handled as the cost -S.

    Parameters
    ----------
    a : array_like (m), float64
        masses of the rows, >= 0; rows of mass 0 are left out. Unit: mass. Also a file as
        pathlib.Path.
    b : array_like (n), float64
        masses of the columns, >= 0, with the same total. Unit: mass. Also a file as
        pathlib.Path.
    cost : array_like (m, n), float32 or float64
        cost of moving a unit of mass; single precision is kept so in memory. Unit: cost.
        Also a file as pathlib.Path.
    k : int
        most non-zeros in a column of the plan (a row with axis row); more than the column
        has is no limit. At least 1.
    gamma : float, default 1.0
        weight of the quadratic term; gamma must be > 0: use exact transport for gamma = 0.
        Above 0. Unit: cost/mass.
    form : {'semi-dual', 'dual'}, default 'semi-dual'
        objective: semi-dual has exact column sums, dual is smoother to evaluate.
    solver : {'auto', 'lbfgs', 'adam', 'bundle', 'subgradient'}, default 'auto'
        auto is lbfgs, and bundle from where it stalls on a kink; subgradient is a slow
        baseline.
    tol : float, default 1e-06
        largest error of a marginal that counts as none, relative to the total mass. Above
        0, at most 1. Unit: total mass.
    max_iter : int, default 500
        most iterations of each solver (adam has its own). From 1 to 100000000.
    memory : int, default 10
        pairs that lbfgs remembers. From 1 to 1000.
    axis : {'column', 'row'}, default 'column'
        what k limits: each column or each row.
    polish : bool, default True
        solve again on the support that was found: exact marginals and a certified gap where
        it is feasible.
    lr : float, default 0.01
        step length of adam. Above 0. Unit: cost.
    adam_iters : int, default 20
        steps of adam, all taken. From 1 to 100000000.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        plan : sparse matrix (m, n), float64
            the transport plan, at most k non-zeros in each column. Unit: mass.
        alpha : ndarray (m), float64
            potentials of the rows, mean zero: the derivative of the value by a, up to a
            constant. Unit: cost. Made when it costs nothing.
        beta : ndarray (n), float64
            potentials of the columns: the derivative of the value by b. Unit: cost. Made
            when it costs nothing.
        relaxed_plan : sparse matrix (m, n), float64
            plan of the convex relaxation: right marginals, possibly more than k non-zeros
            in a column. Unit: mass. Made on request: want or out.
        info.value : float
            the dual objective at alpha (and beta): a lower bound on every k-sparse plan.
            Unit: cost.
        info.primal_cost : float
            <T, C> of the plan returned. Unit: cost.
        info.primal : float
            <T, C> + (gamma/2)|T|^2 of the plan returned. Unit: cost.
        info.gap : float
            (primal - value) / |value|: the certificate of a feasible plan; NaN where there
            is none.
        info.row_residual : float
            largest error of a row sum of the plan. Unit: mass.
        info.column_residual : float
            largest error of a column sum of the plan. Unit: mass.
        info.dual_residual : float
            largest marginal error of the plan at alpha, before it was polished. Unit: mass.
        info.feasible : bool
            both residuals are within tol of the total mass.
        info.polished : bool
            the plan was solved for again, on its support or to rounding.
        info.k : int
            the limit used: k, or the length of a column if that is less.
        info.nnz : int
            non-zeros of the plan.
        info.max_nnz : int
            most non-zeros of a column (row with axis row).
        info.iterations : int
            iterations of the dual solvers.
        info.evaluations : int
            evaluations of the dual objective, each reading the cost once.
        info.solver : str
            what produced alpha: lbfgs, bundle, adam or subgradient.
        info.dropped_rows : int
            rows without mass, left out.
        info.dropped_columns : int
            columns without mass, left out.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    T. Liu, J. Puigcerver, M. Blondel, Sparsity-Constrained Optimal Transport, ICLR 2023.

    Examples
    --------
    >>> import norma

    Four sources, two targets, no limit that binds.

    >>> result = norma.sparse_ot([0.4, 0.3, 0.2, 0.1], b=[0.6, 0.4], cost=[[0, 1], [1, 0], [0.5, 0.6], [0.2, 0.9]], k=3)
    >>> result.plan  # [[0.4,0],[0,0.3],[0.1,0.1],[0.1,0]]
    >>> result.info.value  # 0.27
    >>> result.info.primal  # 0.27
    >>> result.info.gap  # 0
    >>> result.info.max_nnz  # 3

    One source for each target: with equal masses, an assignment.

    >>> result = norma.sparse_ot([1, 1, 1], b=[1, 1, 1], cost=[[4, 1, 3], [2, 0, 5], [3, 2, 2]], k=1)
    >>> result.plan  # [[0,1,0],[1,0,0],[0,0,1]]
    >>> result.info.value  # 6.5
    >>> result.info.primal_cost  # 5
    >>> result.info.gap  # 0

    At most one target for each source.

    >>> result = norma.sparse_ot([0.5, 0.2, 0.3], b=[0.7, 0.3], cost=[[0, 1], [1, 0.5], [0.8, 0.1]], k=1, axis='row', gamma=0.1)
    >>> result.plan  # [[0.5,0],[0.2,0],[0,0.3]]
    >>> result.info.primal_cost  # 0.23
    >>> result.info.max_nnz  # 1
    """
    ...

class _SparseOtRouterInfo(Info):
    k: int
    assigned: int
    unassigned: int
    max_load: int
    min_load: int
    residual: float
    seconds: float

class _SparseOtRouterResult(Result):
    info: _SparseOtRouterInfo
    combine: Any
    softmax: NDArray[np.float64]

def sparse_ot_router(
    logits: ArrayLike | PathLike[str],
    *,
    kind: Literal["experts-choose", "tokens-choose"] | None = "experts-choose",
    capacity_factor: float | None = 1.0,
    k: int | None = 1,
    gamma: float | None = 1.0,
    lr: float | None = 0.01,
    adam_iters: int | None = 20,
    softmax_weights: bool | None = True,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _SparseOtRouterResult:
    """Tokens to experts by sparse transport: no expert above its capacity, or at most k experts a token.

    The softmax S of the logits says how well each expert suits each token. Every token
    carries mass 1, every expert takes tokens/experts, and the plan of transport with cost
    -S and weight gamma of the quadratic term is found by a fixed number of steps of Adam on
    the semi-dual, from 0.

    experts-choose limits each expert to its capacity: tokens/experts times capacity_factor,
    rounded up, then up to a multiple of 4, at most all tokens. A token may then have
    several experts or none. tokens-choose limits each token to k experts; then every token
    has one, and loads are balanced as far as the steps went: residual says how far.

    The weights are softmax entries at the chosen places, so a gradient flows through the
    softmax while the places count as constant. Without softmax_weights they are the entries
    of the plan, in tokens.

    The limits hold by construction, whatever the number of steps; ties go to the lowest
    index.

    Parameters
    ----------
    logits : array_like (tokens, experts), float64
        score of each token for each expert, before the softmax. Also a file as
        pathlib.Path.
    kind : {'experts-choose', 'tokens-choose'}, default 'experts-choose'
        who is limited: each expert to its capacity, or each token to k experts.
    capacity_factor : float, default 1.0
        experts choose: capacity of an expert over its fair share tokens/experts. Above 0.
    k : int, default 1
        tokens choose: most experts of a token. At least 1.
    gamma : float, default 1.0
        weight of the quadratic term. Above 0. Unit: 1/tokens.
    lr : float, default 0.01
        step length of Adam. Above 0.
    adam_iters : int, default 20
        steps of Adam, all taken. From 1 to 100000000.
    softmax_weights : bool, default True
        combine holds the softmax entries at the chosen places; without it the entries of
        the plan.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        combine : sparse matrix (tokens, experts), float64
            weight of each chosen (token, expert) pair; no entry elsewhere.
        softmax : ndarray (tokens, experts), float64
            softmax of the logits of each token, which the backward pass needs. Made when it
            costs nothing.
        info.k : int
            the limit used: the capacity of an expert, or the experts of a token.
        info.assigned : int
            (token, expert) pairs.
        info.unassigned : int
            tokens with no expert.
        info.max_load : int
            most tokens of an expert. Unit: tokens.
        info.min_load : int
            fewest tokens of an expert. Unit: tokens.
        info.residual : float
            largest error of a marginal of the plan after the last step. Unit: tokens.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    T. Liu, J. Puigcerver, M. Blondel, Sparsity-Constrained Optimal Transport, ICLR 2023.

    Examples
    --------
    >>> import norma

    All prefer the first expert: the four tokens that want it most have it.

    >>> result = norma.sparse_ot_router([[7, 0], [6, 0], [5, 0], [4, 0], [3, 0], [2, 0], [1, 0], [0, 0]])
    >>> result.combine  # [[0.999089,0],[0.997527,0],[0.993307,0],[0.982014,0],[0,0.047426],[0,0.119203],[0,0.268941],[0,0.5]]
    >>> result.info.k  # 4
    >>> result.info.max_load  # 4
    >>> result.info.min_load  # 4
    >>> result.info.unassigned  # 0

    Each token takes one expert.

    >>> result = norma.sparse_ot_router([[2, 0], [0, 2], [1, 0], [0, 1]], kind='tokens-choose', k=1)
    >>> result.combine  # [[0.880797,0],[0,0.880797],[0.731059,0],[0,0.731059]]
    >>> result.info.assigned  # 4
    >>> result.info.residual  # 0

    The plan as weights: two experts that are liked alike share a token.

    >>> result = norma.sparse_ot_router([[1, 1, 0], [1, 1, 0], [0, 0, 2]], kind='tokens-choose', k=2, gamma=0.1, softmax_weights=False)
    >>> result.combine  # [[0.5,0.5,0],[0.5,0.5,0],[0,0,1]]
    >>> result.info.residual  # 0
    """
    ...

class _TopEigenvectorInfo(Info):
    rows: int
    columns: int
    stored_numbers: int
    peak_numbers: int
    eigenvalue: float
    gap: float
    heavy_count: int
    heavy_overflow: bool
    order_suspect: bool
    gap_too_small: bool
    trusted: bool
    order_projection: float
    order_length: float
    blocks: int
    evictions: int
    rate: float
    growth: float
    lost: float
    audit: float
    audit_low: float
    audit_high: float
    exact_eigenvalue: float
    residual: float
    passes: int
    rows_per_second: float
    seconds: float

class _TopEigenvectorResult(Result):
    info: _TopEigenvectorInfo
    v: NDArray[np.float64]

def top_eigenvector(
    a: ArrayLike | PathLike[str] | _Sparse | Iterator[ArrayLike],
    *,
    algorithm: Literal["heavy-light", "oja", "oja-adaptive", "power", "frequent-directions", "block-power", "exact"] | None = "heavy-light",
    width: int | None = 8,
    stored_rows: int | None = 32,
    schedule: Literal["doubling", "equal"] | None = "doubling",
    blocks: int | None = 0,
    first_block: int | None = 0,
    rows: int | None = 0,
    theta: float | None = 0.0,
    combine: Literal["ritz", "pick", "light"] | None = "ritz",
    subsample: float | None = 0.0,
    batch: int | None = 64,
    rate_schedule: Literal["decaying", "fixed"] | None = "decaying",
    rate: float | None = 0.0,
    rates: int | None = 32,
    sketch_rows: int | None = 0,
    tolerance: float | None = 1e-10,
    max_iter: int | None = 1000,
    audit_rows: int | None = 0,
    residual: bool | None = False,
    columns: int | None = 0,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _TopEigenvectorResult:
    """Top eigenvector of A'A from one pass over rows in random order, in little memory.

    Finds the unit v that maximises |A v|^2, the first principal direction of uncentred
    data, reading the rows of A once. The memory is (2 width + stored_rows) vectors,
    whatever the number of rows.

    The rows must come in random order: each block of the stream is then a sample of all of
    it, and one power step is made per block. Rows so long that they would dominate a block
    are stored and treated exactly; Oja's rule lacks that, and Frequent Directions need more
    memory where the rows point in many directions. order_suspect tells when the rows look
    sorted: shuffle them then. gap_too_small tells when two directions are about equally
    good.

    algorithm chooses the method: heavy-light is the paper's; block-power is the same
    without stored rows; oja, oja-adaptive and frequent-directions are the usual ones; power
    reads the rows again and again until the residual is small; exact forms the d x d Gram
    matrix.

    audit_rows and residual check the answer: from a uniform sample of rows with an
    interval, or from all rows in a second pass.

    Parameters
    ----------
    a : array_like (n, d), float32 or float64
        the rows, dense or sparse, in random order; a stream of any length is read once.
        Also a sparse matrix, an iterator of rows or of blocks of rows or a file as
        pathlib.Path.
    algorithm : {'heavy-light', 'oja', 'oja-adaptive', 'power', 'frequent-directions', 'block-power', 'exact'}, default 'heavy-light'
        how to find the direction.
    width : int, default 8
        heavy-light, block-power: vectors iterated together; at most the number of columns
        is used. From 1 to 64. Unit: vectors.
    stored_rows : int, default 32
        heavy-light: so many of the longest rows are stored and treated exactly. From 0 to
        10000. Unit: rows.
    schedule : {'doubling', 'equal'}, default 'doubling'
        blocks that double in length, or equal blocks (the number of rows must be known).
    blocks : int, default 0
        equal schedule: number of blocks; 0 = max(4, ceil(log2 columns)). From 0 to 1000000.
    first_block : int, default 0
        doubling schedule: length of the first block; 0 = max(64, 2 columns). From 0 to
        2**53. Unit: rows.
    rows : int, default 0
        number of rows, where the input cannot tell and it is known; 0 = as the input says.
        From 0 to 2**53. Unit: rows.
    theta : float, default 0.0
        a row is heavy when its square is at least theta times the sum of all squares; 0 = 1
        / (columns ln(columns)^2). From 0 to 1.
    combine : {'ritz', 'pick', 'light'}, default 'ritz'
        final step: both parts together, the better of the two, or the light part alone.
    subsample : float, default 0.0
        keep about subsample * columns * ln(columns) rows of a block, chosen by length; 0 =
        all. From 0 to 1e+09.
    batch : int, default 64
        rows worked on at once; no bit of the result depends on it. From 1 to 4096. Unit:
        rows.
    rate_schedule : {'decaying', 'fixed'}, default 'decaying'
        oja: step rate / t at row t, or rate at every row.
    rate : float, default 0.0
        oja: step size (decaying, 0 = columns / mean square length so far); oja-adaptive:
        the largest (0 = columns / square length of the first row). From 0 to 1e+300. Unit:
        1/a^2.
    rates : int, default 32
        oja-adaptive: so many rates, each half the one before. From 1 to 64.
    sketch_rows : int, default 0
        frequent-directions: rows of the sketch (twice that in memory); 0 = width +
        stored_rows / 2. From 0 to 10000. Unit: rows.
    tolerance : float, default 1e-10
        power: stop at |A'Av - lambda v| <= tolerance * lambda. From 0 to 1.
    max_iter : int, default 1000
        power: most passes over the rows. From 1 to 1000000000. Unit: passes.
    audit_rows : int, default 0
        keep so many rows drawn uniformly and estimate |Av|^2 from them with an interval; 0
        = no audit. From 0 to 1000000. Unit: rows.
    residual : bool, default False
        read the rows a second time for the exact |Av|^2 and residual.
    columns : int, default 0
        numbers in a row, where the input cannot tell (sparse rows from a pipe); 0 = as the
        input says. From 0 to 2**53.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        v : ndarray (d), float64
            unit vector; its largest entry is positive.
        info.rows : int
            rows read. Unit: rows.
        info.columns : int
            numbers in a row.
        info.stored_numbers : int
            f64 and i64 numbers the algorithm holds, whatever the number of rows. Unit:
            numbers.
        info.peak_numbers : int
            the same with the work space of the final step. Unit: numbers.
        info.eigenvalue : float
            estimate of |Av|^2, the top eigenvalue of A'A. Unit: a^2.
        info.gap : float
            estimate of R = lambda1 / lambda2; infinite for rank one, NaN where unknown.
        info.heavy_count : int
            stored rows that are heavy. Unit: rows.
        info.heavy_overflow : bool
            a heavy row could not be stored: give more stored_rows.
        info.order_suspect : bool
            the rows do not look randomly ordered: shuffle them.
        info.gap_too_small : bool
            gap below 1.2: the direction is not identifiable.
        info.trusted : bool
            oja-adaptive: a rate grew enough, or a row was long enough, to be believed.
        info.order_projection : float
            largest |z| between the parts of a block for |a'Z|^2; 6 raises order_suspect.
        info.order_length : float
            largest |z| between the parts of a block for |a|^2; 6 raises order_suspect.
        info.blocks : int
            power steps taken: blocks completed, or passes of the power method.
        info.evictions : int
            stored rows that longer ones pushed out. Unit: rows.
        info.rate : float
            oja: the last step size; oja-adaptive: the rate chosen. Unit: 1/a^2.
        info.growth : float
            oja: ln of the factor by which the vector grew.
        info.lost : float
            frequent-directions: the top eigenvalue lies in eigenvalue .. eigenvalue + lost.
            Unit: a^2.
        info.audit : float
            |Av|^2 estimated from the audit's rows; NaN without audit. Unit: a^2.
        info.audit_low : float
            lower end of its 95 % interval. Unit: a^2.
        info.audit_high : float
            upper end of its 95 % interval. Unit: a^2.
        info.exact_eigenvalue : float
            |Av|^2 from a second pass; NaN without residual. Unit: a^2.
        info.residual : float
            |A'Av - lambda v| / lambda, lambda = |Av|^2, from all rows; NaN where not
            measured.
        info.passes : int
            times the rows were read.
        info.rows_per_second : float
            rows read, all passes, over seconds. Unit: 1/s.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    P. Kacham, D. P. Woodruff, Approximating the Top Eigenvector in Random Order Streams,
    NeurIPS 2024, arXiv 2412.11963.

    Examples
    --------
    >>> import norma

    Rows that fit into the stored rows: exact.

    >>> result = norma.top_eigenvector([[3, 4], [6, 8], [-4, 3]])
    >>> result.v  # [0.6,0.8]
    >>> result.info.eigenvalue  # 125
    >>> result.info.gap  # 5
    >>> result.info.rows  # 3

    All rows alike.

    >>> result = norma.top_eigenvector([[1, 2, 2], [1, 2, 2]], stored_rows=1)
    >>> result.v  # [0.3333333333333333,0.6666666666666666,0.6666666666666666]
    >>> result.info.eigenvalue  # 18

    The power method, with its residual.

    >>> result = norma.top_eigenvector([[2, 0], [0, 1]], algorithm='power')
    >>> result.v  # [1,0]
    >>> result.info.eigenvalue  # 4

    Exact, from the Gram matrix.

    >>> result = norma.top_eigenvector([[2, 1], [1, 2], [0, 0]], algorithm='exact')
    >>> result.v  # [0.7071067811865476,0.7071067811865476]
    >>> result.info.eigenvalue  # 9
    >>> result.info.gap  # 9
    """
    ...

class _TrainInfo(Info):
    steps: int
    loss: float
    validation_loss: float
    best_loss: float
    best_step: int
    accuracy: float
    parameters: int
    flops: float
    rate: float
    first_step: float
    optimizer_share: float
    state_bytes: int
    ranks: int
    bytes_sent: int
    early: bool
    seconds: float

class _TrainResult(Result):
    info: _TrainInfo
    losses: NDArray[np.float64]

def train(
    *,
    x: ArrayLike | PathLike[str] | None = None,
    y: ArrayLike | PathLike[str] | None = None,
    data: str | PathLike[str] | None = None,
    labels: str | PathLike[str] | None = None,
    validation_data: str | PathLike[str] | None = None,
    validation_labels: str | PathLike[str] | None = None,
    kind: Literal["guess", "text", "images", "table"] | None = "guess",
    target: Literal["auto", "class", "value"] | None = "auto",
    target_column: int | None = -1,
    tokenizer: Literal["auto", "byte", "char", "bpe"] | None = "auto",
    vocabulary: int | None = 512,
    context: int | None = 64,
    validation: float | None = 0.1,
    model: str | None = "auto",
    folder: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    steps: int | None = 1000,
    batch: int | None = 16,
    accumulate: int | None = 1,
    optimizer: Literal["sgd", "adamw", "muon", "normuon", "root", "auon", "hybrid-auon", "lion", "dct-adamw", "trion", "galore", "ldadam", "frugal", "fira", "dion", "lbfgs"] | None = "adamw",
    lr: float | None = 0.0,
    matrix_lr: float | None = 0.0,
    momentum: float | None = -1.0,
    nesterov: bool | None = True,
    beta1: float | None = 0.9,
    beta2: float | None = 0.99,
    eps: float | None = 1e-08,
    weight_decay: float | None = 0.01,
    ns_coefficients: Literal["auto", "muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact"] | None = "auto",
    ns_steps: int | None = 0,
    optimizer_options: str | None = None,
    schedule: Literal["cosine", "constant", "linear", "stable"] | None = "cosine",
    warmup: int | None = -1,
    decay: int | None = -1,
    floor: float | None = 0.1,
    clip: float | None = 1.0,
    evaluate_every: int | None = 0,
    evaluate_batches: int | None = 0,
    patience: int | None = 0,
    checkpoint_every: int | None = 0,
    precision: Literal["f32", "f64"] | None = "f32",
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _TrainResult:
    """A network trained on a text, on images or on a table.

    By the data a GPT-like transformer, a residual convolutional network or a multilayer
    perceptron is chosen, sized by the model option. Without data it learns the library's
    own documentation, or drawn digits.

    Each step takes the gradient of the mean loss of a batch, clipped to a norm, and gives
    it to the optimizer with the learning rate of the schedule. A part of the data is kept
    for validation.

    The folder receives the checkpoint (parameters, optimizer state, configuration, what was
    learnt from the data), a log with one JSON object a line, and the curve of the loss. A
    run that is stopped writes its checkpoint first; resume goes on from it with the same
    bits as a run without a stop.

    Batches, masks and initial values depend on the seed and the step alone.

    Several ranks of MPI can share a run: each takes some rows of every batch, gradients are
    averaged, and each keeps the optimizer's state of some parameters. The losses are those
    of one process up to rounding, where the network drops nothing and normalises no batch.

    Parameters
    ----------
    x : array_like float32 or float64 or uint8, optional
        examples in place of data: a table (n, columns) or images (n, rows, columns) or (n,
        channels, rows, columns). Also a file as pathlib.Path.
    y : array_like float32 or float64 or int64 or uint8, optional
        their targets: classes (n), or values (n) or (n, k). Also a file as pathlib.Path.
    data : str or os.PathLike, optional
        text, images (idx, npy) or a table (csv, LIBSVM, npy) to learn from; none: data that
        the library carries.
    labels : str or os.PathLike, optional
        targets of images or a table, where data does not hold them.
    validation_data : str or os.PathLike, optional
        what to validate on; none: a part of data.
    validation_labels : str or os.PathLike, optional
        its targets.
    kind : {'guess', 'text', 'images', 'table'}, default 'guess'
        what the data are.
    target : {'auto', 'class', 'value'}, default 'auto'
        of a table: classes or values.
    target_column : int, default -1
        column of a table's targets; negative: from the end. From -65536 to 65535.
    tokenizer : {'auto', 'byte', 'char', 'bpe'}, default 'auto'
        what a token of a text is.
    vocabulary : int, default 512
        tokens that bpe learns. From 257 to 65536.
    context : int, default 64
        tokens that a text's network sees at once. From 1 to 65536.
    validation : float, default 0.1
        share of data kept for validation. From 0 to 0.9.
    model : str, default 'auto'
        gpt, convnet, mlp, a JSON object, or a file that holds one; auto: by the data.
    folder : str or os.PathLike, optional
        where checkpoint, log and curve go; none: nothing is written.
    resume : str or os.PathLike, optional
        checkpoint to go on from; data and options must be those of the run.
    steps : int, default 1000
        optimizer steps in all. From 1 to 2**40.
    batch : int, default 16
        examples of a forward and backward pass. From 1 to 2**20.
    accumulate : int, default 1
        passes whose gradients make one step. From 1 to 65536.
    optimizer : {'sgd', 'adamw', 'muon', 'normuon', 'root', 'auon', 'hybrid-auon', 'lion', 'dct-adamw', 'trion', 'galore', 'ldadam', 'frugal', 'fira', 'dion', 'lbfgs'}, default 'adamw'
        matrix optimizers take the hidden matrices, AdamW the rest; lbfgs sees all data at
        every step.
    lr : float, default 0.0
        largest learning rate; 0: usual (sgd 0.1, lbfgs 1, else the optimizer's own). At
        least 0.
    matrix_lr : float, default 0.0
        that of a matrix optimizer; 0: its own (muon 0.02). At least 0.
    momentum : float, default -1.0
        of optimizers that have one; -1: usual (sgd 0.9, else their own). From -1 to below
        1.
    nesterov : bool, default True
        look ahead, where the optimizer can.
    beta1 : float, default 0.9
        adamw: memory of the mean gradient. From 0 to below 1.
    beta2 : float, default 0.99
        adamw: memory of the mean square. From 0 to below 1.
    eps : float, default 1e-08
        adamw: added to the root of the mean square. Above 0.
    weight_decay : float, default 0.01
        decoupled, on weights alone; biases, norms keep theirs. At least 0.
    ns_coefficients : {'auto', 'muon', 'polar_express', 'polar_express8', 'quintic_classic', 'cubic_classic', 'muon8+2', 'exact'}, default 'auto'
        polynomial of the Newton-Schulz steps; auto: the optimizer's own.
    ns_steps : int, default 0
        Newton-Schulz steps; 0: the polynomial's own. From 0 to 100.
    optimizer_options : str, optional
        more options of the optimizer; see norma help optimizer-step.
    schedule : {'cosine', 'constant', 'linear', 'stable'}, default 'cosine'
        of the learning rate after the warm-up.
    warmup : int, default -1
        steps of linear rise; -1: a hundredth of all. From -1 to 2**40.
    decay : int, default -1
        stable: last steps that fall; -1: a fifth of all. From -1 to 2**40.
    floor : float, default 0.1
        share of the learning rate that is left at the end. From 0 to 1.
    clip : float, default 1.0
        largest 2-norm of the gradient; 0: any. At least 0.
    evaluate_every : int, default 0
        steps between validations; 0: a tenth of all. From 0 to 2**40.
    evaluate_batches : int, default 0
        batches of a validation on the way; 0: all. From 0 to 2**40.
    patience : int, default 0
        stop after so many validations without gain; 0: never. From 0 to 2**40.
    checkpoint_every : int, default 0
        steps between checkpoints; 0: with every validation. From 0 to 2**40.
    precision : {'f32', 'f64'}, default 'f32'
        type of all parameters and arrays.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        losses : ndarray (s), float64
            the loss of every step; NaN for those that were not done. Made on request: want
            or out.
        info.steps : int
            steps done, those before a resume included.
        info.loss : float
            of the last step.
        info.validation_loss : float
            mean over the validation part at the end.
        info.best_loss : float
            the least validation loss.
        info.best_step : int
            the step where that was.
        info.accuracy : float
            share of the validation part that is right at the end; -1: no classes.
        info.parameters : int
            numbers that are trained.
        info.flops : float
            of a training pass.
        info.rate : float
            tokens or examples a second, validation left out. Unit: 1/s.
        info.first_step : float
            from the call to the end of the first step. Unit: s.
        info.optimizer_share : float
            of the training time that the optimizer's steps took. Unit: s/s.
        info.state_bytes : int
            state of the optimizer, of this rank. Unit: B.
        info.ranks : int
            that shared the run.
        info.bytes_sent : int
            to other ranks, of this rank. Unit: B.
        info.early : bool
            patience ended it.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    Ilya Loshchilov, Frank Hutter: Decoupled Weight Decay Regularization, 2019, arXiv
    1711.05101.

    Examples
    --------
    >>> import norma

    A table of four rows, three of them learnt by heart.

    >>> result = norma.train(x=[[0, 0], [0, 1], [1, 0], [1, 1]], y=[0, 1, 1, 0], target='class', validation=0.0, batch=4, steps=60, lr=0.05, model='{"model":"mlp","widths":[16]}')
    >>> result.info.steps  # 60
    """
    ...

class _VolumeSamplingInfo(Info):
    m: int
    dimension: int
    points: int
    kept: int
    removed: int
    blocks: int
    lambda_min: float
    lambda_max: float
    stable: bool
    trials: int
    rejections: int
    proposals: int
    sampler: str
    uniform_factor: float
    probability_bound: float
    points_wanted: float
    seconds: float

class _VolumeSamplingResult(Result):
    info: _VolumeSamplingInfo
    x: NDArray[np.float64]
    weights: NDArray[np.float64]
    index: NDArray[np.int64]
    block: NDArray[np.int64]
    phi: NDArray[np.float64]
    gram: NDArray[np.float64]

def volume_sampling(
    *,
    features: ArrayLike | PathLike[str] | None = None,
    mu: ArrayLike | PathLike[str] | None = None,
    indices: ArrayLike | PathLike[str] | None = None,
    candidates: ArrayLike | PathLike[str] | None = None,
    start: ArrayLike | PathLike[str] | None = None,
    start_weights: ArrayLike | PathLike[str] | None = None,
    basis: str | None = None,
    degree: int | None = -1,
    dimension: int | None = 0,
    index_set: Literal["total", "tensor", "hyperbolic"] | None = "total",
    scheme: Literal["repeated-dpp", "dpp", "volume", "repeated-volume", "iid"] | None = "repeated-dpp",
    points: int | None = 0,
    block_points: int | None = 0,
    mixture: float | None = 0.0,
    condition: bool | None = False,
    delta: float | None = 0.5,
    max_reject: int | None = 1000,
    boost: int | None = 1,
    greedy: bool | None = False,
    sampler: Literal["auto", "eigenvalues", "chain"] | None = "auto",
    eta: float | None = 0.01,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _VolumeSamplingResult:
    """Points at which a few measurements give a near-best, stable least-squares fit: determinantal and optimal sampling.

    Draws the points at which to evaluate a function that is to be fitted in a space of m
    functions, such as polynomials up to a degree, by weighted least squares. The points
    repel each other (determinantal point processes), so that a few times m of them are
    enough where independent ones take m log m. They are drawn first, evaluated by whatever
    means, and fitted later by weighted-least-squares with the same space and the weights
    given here.

    repeated-dpp draws blocks of m points, each a determinantal process; volume one block
    and independent points; iid independent points alone; dpp the one block whose fit
    interpolates. condition draws again until the smallest eigenvalue of the Gram matrix is
    at least 1 - delta, boost takes the best of several designs, greedy leaves out points
    that are not needed. start adds points to a design: what was measured there stays of
    use.

    lambda_min proves the design: the fit's squared error is at most e^2 + |f - v|_n^2 /
    lambda_min, v being the best function of the space and e its error. Polynomials in one
    coordinate are drawn as eigenvalues of random matrices, without rejection; all others by
    an exact chain rule. Features are held in memory.

    Parameters
    ----------
    features : array_like (p) or (p, c), float64, optional
        values of functions, one a column, at all points of a finite set, one a row: in
        place of a basis. Also a file as pathlib.Path.
    mu : array_like (p), float64, optional
        weight > 0 of each point of a finite set; their scale does not matter; equal where
        there are none. Also a file as pathlib.Path.
    indices : array_like (k) or (k, e), int64, optional
        degrees of each function in each coordinate, one function a row: in place of an
        index set. Also a file as pathlib.Path.
    candidates : array_like (p) or (p, d), float64, optional
        points of the domain among which those of the design are chosen; start holds their
        numbers then. Also a file as pathlib.Path.
    start : array_like (s) or (s, f), float64, optional
        points evaluated already: they stay, first and in their order, and points are added.
        Also a file as pathlib.Path.
    start_weights : array_like (s), float64, optional
        their weights; left out: m / k as for new points. Also a file as pathlib.Path.
    basis : str, optional
        legendre, hermite, chebyshev, jacobi(a,b), laguerre(a) or fourier, one for all
        coordinates or, with commas, one for each; legendre(lower,upper) and
        hermite(mean,deviation) move and stretch it; none: legendre, or the features where
        they are given.
    degree : int, default -1
        p of the index set; -1: none, a list of indices or features instead. From -1 to
        1000000.
    dimension : int, default 0
        coordinates of a point; 0: as the basis and the points have, else 1. From 0 to
        10000.
    index_set : {'total', 'tensor', 'hyperbolic'}, default 'total'
        total: degrees sum up to at most p; tensor: each is at most p; hyperbolic: the
        product of degrees + 1 is at most p + 1.
    scheme : {'repeated-dpp', 'dpp', 'volume', 'repeated-volume', 'iid'}, default 'repeated-dpp'
        repeated-dpp: n / m DPPs; dpp: one, n = m; volume: one and n - m independent points;
        repeated-volume: several of block_points each; iid: independent points.
    points : int, default 0
        n, points to draw, at least m; repeated-dpp: a multiple of m; 0: 4 m, dpp: m. From 0
        to 2**30.
    block_points : int, default 0
        repeated-volume: points of a volume sample, at least m; 0: 2 m. From 0 to 2**30.
    mixture : float, default 0.0
        iid, volume: share of independent points drawn from mu itself, so that no weight
        exceeds 1 / mixture. From 0 to 0.999999.
    condition : bool, default False
        draw again until lambda_min >= 1 - delta.
    delta : float, default 0.5
        what is stable: lambda_min >= 1 - delta. Above 0, at most below 1.
    max_reject : int, default 1000
        condition: designs rejected before the best is taken. From 0 to 1000000.
    boost : int, default 1
        designs drawn, of which that with the largest lambda_min is taken. From 1 to 1000.
    greedy : bool, default False
        leave out points one by one as long as lambda_min >= 1 - delta.
    sampler : {'auto', 'eigenvalues', 'chain'}, default 'auto'
        how a DPP is drawn: eigenvalues of a random matrix (polynomials below a degree in
        one variable, trigonometric polynomials), point by point (chain), or the first where
        it can be.
    eta : float, default 0.01
        probability of an unstable design that points_wanted admits. Above 0, at most below
        1.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        x : ndarray (n) or (n, d), float64
            the points, a number or a row of numbers each; of features row numbers.
        weights : ndarray (n), float64
            w at the points.
        index : ndarray (n), int64
            of features and candidates: the row numbers as integers. Made on request: want
            or out.
        block : ndarray (n), int64
            number of the independent block that a point was drawn in, -1: given as start.
            Made on request: want or out.
        phi : ndarray (n, m), float64
            the orthonormal basis at the points. Made on request: want or out.
        gram : ndarray (m, m), float64
            G. Made on request: want or out.
        info.m : int
            functions of the space.
        info.dimension : int
            numbers of a point.
        info.points : int
            of the design, those given before among them.
        info.kept : int
            points given before.
        info.removed : int
            points left out by greedy.
        info.blocks : int
            independent blocks drawn.
        info.lambda_min : float
            least eigenvalue of G: the fit's error is at most e + |f - v|_n /
            sqrt(lambda_min).
        info.lambda_max : float
            largest eigenvalue of G.
        info.stable : bool
            lambda_min >= 1 - delta.
        info.trials : int
            designs drawn.
        info.rejections : int
            condition: times that the best of `boost` designs was not stable.
        info.proposals : int
            points proposed by the chain rule, of all designs.
        info.sampler : str
            how DPPs were drawn: eigenvalues, chain or none.
        info.uniform_factor : float
            1 + sqrt(mean weight / lambda_min): the fit's L2 error is at most that times the
            least uniform error in V.
        info.probability_bound : float
            a design of this size is stable with at least this probability (Chernoff).
        info.points_wanted : float
            points for which that bound is 1 - eta; infinite where none are enough.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    A. Nouy, B. Michel, Weighted least-squares approximation with determinantal point
    processes and generalized volume sampling, 2023, arXiv 2312.14057.

    Examples
    --------
    >>> import norma

    One constant: every point has the weight 1 and G is 1.

    >>> result = norma.volume_sampling(basis='legendre', degree=0, points=3)
    >>> result.weights  # [1,1,1]
    >>> result.info.lambda_min  # 1
    >>> result.info.stable  # 1

    As many rows as functions: a DPP takes all of them.

    >>> result = norma.volume_sampling(features=[[1, 0], [1, 2]], scheme='dpp')
    >>> result.weights  # [1,1]
    >>> result.info.points  # 2
    >>> result.info.lambda_min  # 1

    What theory wants of independent points.

    >>> result = norma.volume_sampling(basis='legendre', degree=9, points=500, scheme='iid')
    >>> result.info.points_wanted  # 451
    >>> result.info.probability_bound  # 0.9953399793
    """
    ...

class _WeightedLeastSquaresInfo(Info):
    m: int
    points: int
    dimension: int
    lambda_min: float
    lambda_max: float
    stable: bool
    residual: float
    leave_one_out: float
    noise_variance: float
    mean_weight: float
    uniform_factor: float
    iid_probability: float
    expected_factor: float
    passes: int
    seconds: float

class _WeightedLeastSquaresResult(Result):
    info: _WeightedLeastSquaresInfo
    coefficients: NDArray[np.float64]
    fitted: NDArray[np.float64]
    residuals: NDArray[np.float64]
    leverage: NDArray[np.float64]
    gram: NDArray[np.float64]
    multi_indices: NDArray[np.int64]
    predictions: NDArray[np.float64]
    gradient: NDArray[np.float64]

def weighted_least_squares(
    y: ArrayLike | PathLike[str] | Iterator[ArrayLike],
    *,
    x: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    weights: ArrayLike | PathLike[str] | Iterator[ArrayLike] | None = None,
    features: ArrayLike | PathLike[str] | None = None,
    mu: ArrayLike | PathLike[str] | None = None,
    indices: ArrayLike | PathLike[str] | None = None,
    x_new: ArrayLike | PathLike[str] | None = None,
    basis: str | None = None,
    degree: int | None = -1,
    dimension: int | None = 0,
    index_set: Literal["total", "tensor", "hyperbolic"] | None = "total",
    delta: float | None = 0.5,
    one_pass: bool | None = False,
    seed: int = 0,
    threads: int = 0,
    out: Any = None,
    want: str | Sequence[str] = (),
    progress: bool | Callable[[Progress], Any] | None = None,
) -> _WeightedLeastSquaresResult:
    """Values at points fitted by orthonormal polynomials, sines and cosines, or features, with weights that keep it stable.

    A function of one or several variables is fitted in a space of m functions that are
    orthonormal for a measure mu, by least squares with the weights w = m / k(x), where k is
    the sum of the functions' squares. For points that volume-sampling has drawn for the
    same space these weights make the fit nearly as good as the best one in the space, from
    a few times m values.

    basis and degree name the space as for volume-sampling: polynomials orthonormal for the
    uniform, the normal or another measure, or sines and cosines, in one or several
    coordinates; or give features, the values of functions of one's own at all points of a
    finite set. The coefficients are those of the orthonormal functions, so that their
    squares sum to the variance that the fit explains, and multi_indices tells which
    function each belongs to.

    lambda_min tells how well the points serve: for any function f with the best fit P f the
    squared error of the fit is at most that of P f plus the weighted mean of (f - P f)^2 at
    the points over lambda_min. uniform_factor bounds the error by the least uniform error
    in the space. leave_one_out is the error to expect at new points of the same kind. A fit
    to points that do not decide on every function of the space is refused.

    The points may be more than memory holds: they are read twice, once with one_pass.

    Parameters
    ----------
    x : array_like (n) or (n, d), float32 or float64, optional
        the points, one a row; of features the numbers of their rows, from 0, and all in
        order where x is left out. Also an iterator of rows or of blocks of rows or a file
        as pathlib.Path.
    y : array_like (n) or (n, q), float32 or float64
        the values measured there; several columns are fitted each on its own. Also an
        iterator of rows or of blocks of rows or a file as pathlib.Path.
    weights : array_like (n) or (n, 1), float32 or float64, optional
        weights > 0 of the points, as volume-sampling gives them; m / k(x) where there are
        none. Also an iterator of rows or of blocks of rows or a file as pathlib.Path.
    features : array_like (p) or (p, c), float64, optional
        values of functions, one a column, at all points of a finite set, one a row: in
        place of a basis. Also a file as pathlib.Path.
    mu : array_like (p), float64, optional
        weight > 0 of each point of a finite set; their scale does not matter; equal where
        there are none. Also a file as pathlib.Path.
    indices : array_like (k) or (k, e), int64, optional
        degrees of each function in each coordinate, one function a row: in place of an
        index set. Also a file as pathlib.Path.
    x_new : array_like (t) or (t, f), float64, optional
        points to predict at. Also a file as pathlib.Path.
    basis : str, optional
        legendre, hermite, chebyshev, jacobi(a,b), laguerre(a) or fourier, one for all
        coordinates or, with commas, one for each; legendre(lower,upper) and
        hermite(mean,deviation) move and stretch it; none: legendre, or the features where
        they are given.
    degree : int, default -1
        p of the index set; -1: none, a list of indices or features instead. From -1 to
        1000000.
    dimension : int, default 0
        coordinates of a point; 0: as the basis and the points have, else 1. From 0 to
        10000.
    index_set : {'total', 'tensor', 'hyperbolic'}, default 'total'
        total: degrees sum up to at most p; tensor: each is at most p; hyperbolic: the
        product of degrees + 1 is at most p + 1.
    delta : float, default 0.5
        what is stable: lambda_min >= 1 - delta. Above 0, at most below 1.
    one_pass : bool, default False
        read the points once, as they come: no leave-one-out error, nothing for single
        points.
    seed : int, default 0
        Of every random stream of the call.
    threads : int, default 0
        Threads to use; 0 takes all that OpenMP offers.
    out : array or dict, optional
        Memory for the first output, or {name: memory}: contiguous and of the very shape and
        type of the output.
    want : str or sequence of str, default ()
        Outputs to make beside those that are always made.
    progress : callable or True, optional
        Called with a norma.Progress some twenty times a second at most; a true answer stops
        the call. True prints a line to stderr.

    Returns
    -------
    Result
        coefficients : ndarray (m) or (m, q), float64
            of the orthonormal functions, in the order of multi_indices; of features as they
            were given. Unit: y.
        fitted : ndarray (n) or (n, q), float64
            the fit at the points. Unit: y. Made on request: want or out.
        residuals : ndarray (n) or (n, q), float64
            y minus the fit. Unit: y. Made on request: want or out.
        leverage : ndarray (n), float64
            how much each value decides on the fit at its own point, 0 to 1; they sum to m.
            Made on request: want or out.
        gram : ndarray (m, m), float64
            G, the mean of weight times products of the orthonormal functions; near the
            identity where the points serve well. Made on request: want or out.
        multi_indices : ndarray (m, d), int64
            degrees of each function in each coordinate; of fourier 2 l - 1 and 2 l are
            cosine and sine of frequency l. Made on request: want or out.
        predictions : ndarray (t) or (t, q), float64
            the fit at x_new. Unit: y. Made on request: want or out.
        gradient : ndarray (t) or (t, q) or (t, d) or (t, q, d), float64
            its derivatives at x_new: points, then columns of y, then coordinates, where
            there is more than one. Unit: y/x. Made on request: want or out.
        info.m : int
            functions of the space.
        info.points : int
            n.
        info.dimension : int
            numbers of a point.
        info.lambda_min : float
            least eigenvalue of G: |f - fit|^2 is at most e^2 + |f - Pf|_n^2 / lambda_min.
        info.lambda_max : float
            largest eigenvalue of G.
        info.stable : bool
            lambda_min >= 1 - delta.
        info.residual : float
            root of the mean of weight times residual^2. Unit: y.
        info.leave_one_out : float
            root of the mean of weight times (value - prediction by the fit without that
            point)^2; infinite where a point alone decides on a function; NaN with one_pass.
            Unit: y.
        info.noise_variance : float
            residual^2 n / (n - m), for values with independent noise; NaN for n = m. Unit:
            y^2.
        info.mean_weight : float
            mean of the weights, 1 on average for points of the density k/m.
        info.uniform_factor : float
            1 + sqrt(mean_weight / lambda_min): the L2 error is at most that times the least
            uniform error in V.
        info.iid_probability : float
            n independent points of the density k/m are stable with at least this
            probability (Chernoff).
        info.expected_factor : float
            1 + 1 / ((1 - delta) iid_probability): E |f - fit|^2 of stable such points is at
            most that times e^2.
        info.passes : int
            times the points were read.
        info.seconds : float
            wall time. Unit: s.

    References
    ----------
    A. Nouy, B. Michel, Weighted least-squares approximation with determinantal point
    processes and generalized volume sampling, 2024, arXiv 2312.14057.

    Examples
    --------
    >>> import norma

    A parabola through five points.

    >>> result = norma.weighted_least_squares([1.81, 1.16, 1, 1.25, 1.64], x=[-0.9, -0.4, 0, 0.5, 0.8], degree=2, x_new=[0.3], want=['predictions', 'gradient', 'multi_indices'])
    >>> result.coefficients  # [1.3333333333,0,0.2981423970]
    >>> result.predictions  # [1.09]
    >>> result.gradient  # [0.6]
    >>> result.multi_indices  # [[0],[1],[2]]
    >>> result.info.residual  # 0
    >>> result.info.m  # 3

    A plane, weights of one's own.

    >>> result = norma.weighted_least_squares([1, 3, 0, 2], x=[[0, 0], [1, 0], [0, 1], [1, 1]], weights=[1, 2, 2, 1], degree=1, basis='legendre(0,1)', want='residuals')
    >>> result.coefficients  # [1.5,0.5773502692,-0.2886751346]
    >>> result.residuals  # [0,0,0,0]
    >>> result.info.stable  # true
    >>> result.info.mean_weight  # 1.5

    Features of a finite set, all of its points.

    >>> result = norma.weighted_least_squares([1, 2, 2, 4], features=[[1, 0], [1, 1], [1, 2], [1, 3]], want='leverage')
    >>> result.coefficients  # [0.9588235294,0.7941176471]
    >>> result.leverage  # [0.5470588235,0.4529411765,0.4529411765,0.5470588235]
    """
    ...
