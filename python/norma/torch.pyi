# Made by `python -m norma.stubs` from the library's own descriptions: do not edit.
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch

def kinds() -> dict[str, str]: ...

class Optimizer(torch.optim.Optimizer):
    kind: str | None

def split_params(
    model: torch.nn.Module, heads: Sequence[str] | None = None
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]: ...
def for_model(
    model: torch.nn.Module,
    kind: str,
    *,
    lr: float | None = None,
    matrix_lr: float | None = None,
    weight_decay: float | None = None,
    other: str = "adamw",
    other_options: dict[str, Any] | None = None,
    heads: Sequence[str] | None = None,
    **options: Any,
) -> Optimizer: ...

class SGD(Optimizer):
    """Gradient descent with momentum."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class AdamW(Optimizer):
    """Adam with decoupled weight decay."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.01,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class Muon(Optimizer):
    """Momentum, orthogonalised."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        coefficients: Literal["muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact"] = "muon",
        steps: int = 0,
        scale: Literal["match_fan", "spectral", "rms", "none"] = "match_fan",
        weight_decay: float = 0.0,
        momentum_form: Literal["ema", "sum"] = "ema",
        momentum_warmup: int = 0,
        momentum_start: float = 0.85,
        cautious_decay: bool = False,
        eps: float = 0.0,
        safety: float = 0.0,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class NorMuon(Optimizer):
    """Momentum, orthogonalised, every row brought to the same size."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        coefficients: Literal["muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact"] = "muon",
        steps: int = 0,
        scale: Literal["match_fan", "spectral", "rms", "none"] = "match_fan",
        weight_decay: float = 0.0,
        momentum_form: Literal["ema", "sum"] = "ema",
        momentum_warmup: int = 0,
        momentum_start: float = 0.85,
        cautious_decay: bool = False,
        eps: float = 0.0,
        safety: float = 0.0,
        variant: Literal["code", "paper"] = "code",
        beta2: float = 0.95,
        eps_row: float = 0.0,
        axis: Literal["row", "long"] = "row",
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class ROOT(Optimizer):
    """Momentum without outliers, orthogonalised for its shape."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        coefficients: Literal["muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact", "table", "fit", "best", "each", "user"] = "table",
        steps: int = 0,
        scale: Literal["match_fan", "spectral", "rms", "none"] = "rms",
        weight_decay: float = 0.1,
        momentum_form: Literal["ema", "sum"] = "sum",
        momentum_warmup: int = 0,
        momentum_start: float = 0.85,
        cautious_decay: bool = False,
        eps: float = 0.0,
        safety: float = 0.0,
        quantile: float = 0.9,
        eps_mode: Literal["quantile", "fixed", "sampled"] = "quantile",
        threshold: float = 0.0,
        a: float = 0.0,
        b: float = 0.0,
        c: float = 0.0,
        allow_unbounded: bool = False,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class AuON(Optimizer):
    """Momentum over its norm and the mean of its cosh."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.24,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        variant: Literal["paper", "repo"] = "paper",
        gamma: float = -1.0,
        hybrid_steps: int = 0,
        scale: Literal["match_fan", "spectral", "rms", "none", "auto"] = "auto",
        eps_norm: float = 1e-07,
        eps_rms: float = 1e-08,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class HybridAuON(Optimizer):
    """Momentum, orthogonalised a little, over the mean of its cosh."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        variant: Literal["paper", "repo"] = "paper",
        gamma: float = -1.0,
        hybrid_steps: int = -1,
        scale: Literal["match_fan", "spectral", "rms", "none", "auto"] = "auto",
        eps_norm: float = 1e-07,
        eps_rms: float = 1e-08,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class Lion(Optimizer):
    """The sign of the momentum."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.0001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class DCTAdamW(Optimizer):
    """Adam in a subspace of fixed frequencies, with error feedback."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        rank: int = 0,
        basis: Literal["dct2", "dct3", "hadamard", "random", "identity"] = "dct2",
        update_gap: int = 1,
        rotate: bool = True,
        error_feedback: Literal["off", "full", "8bit", "4bit"] = "full",
        max_shape: int = 32000,
        side: Literal["auto", "left", "right"] = "auto",
        ell_norm: int = 1,
        transform: Literal["auto", "fft", "gemm"] = "auto",
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class Trion(Optimizer):
    """Momentum, orthogonalised in a subspace of fixed frequencies."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        coefficients: Literal["muon", "polar_express", "polar_express8", "quintic_classic", "cubic_classic", "muon8+2", "exact"] = "muon",
        steps: int = 0,
        scale: Literal["match_fan", "spectral", "rms", "none"] = "spectral",
        weight_decay: float = 0.0,
        rank: int = 0,
        basis: Literal["dct2", "dct3", "hadamard", "random", "identity"] = "dct2",
        side: Literal["auto", "left", "right"] = "auto",
        ell_norm: int = 1,
        transform: Literal["auto", "fft", "gemm"] = "auto",
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...

class GaLore(Optimizer):
    """Adam in the subspace of the leading singular vectors."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        rank: int = 0,
        alpha: float = 0.25,
        update_gap: int = 200,
        projector: Literal["svd", "columns", "dct2", "dct3", "hadamard", "random", "identity"] = "svd",
        side: Literal["auto", "left", "right"] = "auto",
        ell_norm: int = 1,
        transform: Literal["auto", "fft", "gemm"] = "auto",
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class LDAdam(Optimizer):
    """Adam in a subspace that follows the gradient, with error feedback."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        *,
        beta1: float = 0.908,
        beta2: float = 0.99,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        rank: int = 0,
        rho: float = 0.908,
        error_feedback: bool = True,
        side: Literal["auto", "left", "right"] = "auto",
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class FRUGAL(Optimizer):
    """AdamW in a subspace, the sign of the gradient in the rest."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-08,
        weight_decay: float = 0.0,
        density: float = 0.25,
        residual_scale: float = 1.0,
        update_gap: int = 200,
        projector: Literal["svd", "columns", "dct2", "dct3", "hadamard", "random", "identity"] = "svd",
        side: Literal["auto", "left", "right"] = "auto",
        ell_norm: int = 1,
        transform: Literal["auto", "fft", "gemm"] = "auto",
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class FIRA(Optimizer):
    """GaLore with the rest of the gradient, scaled as Adam scales its subspace."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-06,
        weight_decay: float = 0.0,
        rank: int = 0,
        alpha: float = 0.25,
        growth_limit: float = 1.01,
        update_gap: int = 200,
        projector: Literal["svd", "columns", "dct2", "dct3", "hadamard", "random", "identity"] = "svd",
        side: Literal["auto", "left", "right"] = "auto",
        ell_norm: int = 1,
        transform: Literal["auto", "fft", "gemm"] = "auto",
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
        betas: tuple[float, float] = ...,
    ) -> None: ...

class Dion(Optimizer):
    """Momentum, orthogonalised in a subspace that follows it."""
    def __init__(
        self,
        params: Iterable[torch.Tensor] | Iterable[tuple[str, torch.Tensor]] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        scale: Literal["match_fan", "spectral", "rms", "none"] = "spectral",
        weight_decay: float = 0.01,
        rank: int = 0,
        seed: int = 0,
        threads: int = 0,
        master_weights: bool = False,
    ) -> None: ...
