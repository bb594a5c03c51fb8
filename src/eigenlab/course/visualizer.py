"""Sliders that redraw hidden states and gradients of a recurrent network (questions 1d to 1h)."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go
import torch
from plotly.offline import get_plotlyjs_version
from torch import Tensor, nn

from eigenlab import plots
from eigenlab.course import student_model
from eigenlab.course.panels import panels
from eigenlab.errors import InputError, nearest
from eigenlab.recurrent import GradientTrace, gaussian_rnn
from eigenlab.recurrent.layers import check_sizes

OWN = "as in the model"
BATCH = 8
STATE = "∂(h, c)"


@dataclass(frozen=True)
class Settings:
    """What the sliders set.

    Args:
        weight_scale: about the spectral radius of W_h of a random network; of a model of one's
            own, the factor that multiplies its weights; positive. Default: ``1.0``.
        bias_scale: standard deviation of the biases; of a model of one's own, the factor that
            multiplies them. Default: ``0.0``.
        activation: ``"tanh"``, ``"relu"``, ``"identity"``, or ``"as in the model"``.
            Default: ``"tanh"``.
        hidden_size: H, units. Default: ``16``.
        length: T, steps of the sequences, at least 2. Default: ``30``.
        last_step_only: whether the loss counts only the last step. Default: ``True``.
        seed: of the data and, where they are random, of the weights. Default: ``0``.

    Raises:
        InputError: a value is out of range or unknown.
    """

    weight_scale: float = 1.0
    bias_scale: float = 0.0
    activation: str = "tanh"
    hidden_size: int = 16
    length: int = 30
    last_step_only: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_sizes(hidden_size=self.hidden_size)
        if not isinstance(self.length, int) or self.length < 2:
            raise InputError(f"length={self.length!r} must be an integer of at least 2")
        for name in ("weight_scale", "bias_scale"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name}={getattr(self, name)!r} must be a finite number")
        if self.weight_scale <= 0:
            raise InputError(
                f"weight_scale={self.weight_scale!r} must be positive: without weights no state "
                "depends on an earlier one"
            )
        known = [*student_model.ACTIVATIONS, OWN]
        if self.activation not in known:
            raise InputError(
                f"activation={self.activation!r} is unknown{nearest(self.activation, known)}; "
                f"expected one of {', '.join(known)}"
            )


class GradientVisualizer:
    """Hidden states, gradient norms, eigenvalues and |dL_k/dh_t|, redrawn by sliders.

    The network predicts the running average of normal inputs. A model of one's own is copied for
    every drawing, the copy's weights are scaled, and the model itself never changes. The figure is
    shown in an ``Output`` widget as plotly's media type, with HTML beside it: this needs only the
    core controls of ipywidgets and works alike in Jupyter, VS Code and Colab. (Plotly's
    ``FigureWidget`` also needs anywidget, and in Colab a custom widget manager.)

    Args:
        model: a module that returns ``(out, all_h)``, out (B, T, O) and all_h (B, T, H), such as
            the course's ``RecurrentRegressionModel``; a recurrent network such as ``RNNLayer`` or
            ``torch.nn.LSTM``, which gets a random readout; or a function of the hidden size that
            makes either, such as ``lambda hidden_size: RNNLayer(1, hidden_size)``. Default:
            ``None``, a plain layer with random weights.
        last_step_only: whether the loss counts only the last step at first. Default: ``True``.
        input_size: I, features per step. Default: the model's ``input_size``, or 1.

    Attributes:
        settings: the present :class:`Settings`.
        trace: the :class:`~eigenlab.recurrent.GradientTrace` of the present figure.
        message: why the last change could not be drawn, or ``""``.
        controls: the widgets by the name of the setting, once :meth:`widget` was made.

    Raises:
        InputError: ``model`` is no module, does not run, or returns something else.

    >>> visualizer = GradientVisualizer()
    >>> figure = visualizer.draw(weight_scale=0.5, activation="identity")
    >>> bool(visualizer.trace.gradient_norms[0, 0] < 1e-3 * visualizer.trace.gradient_norms[0, -1])
    True
    """

    def __init__(
        self,
        model: nn.Module | Callable[[int], nn.Module] | None = None,
        last_step_only: bool = True,
        *,
        input_size: int | None = None,
    ) -> None:
        self._make, self._module = None, None
        if isinstance(model, nn.Module):
            self._module = model
        elif callable(model):
            self._make = model
        elif model is not None:
            raise InputError(
                f"model is a {type(model).__name__}; expected a torch.nn.Module, a function of the "
                "hidden size that makes one, or None"
            )
        settings = Settings(last_step_only=last_step_only)
        self._input_size, self.offers_activation = 1, True
        if model is not None:
            own = self._own(settings)
            self._input_size = input_size or _input_size(own)
            ready = student_model.as_model(own, self._input_size)
            self.offers_activation = student_model.has_activation(ready, self._input_size)
            x = torch.zeros(1, 2, self._input_size, dtype=student_model.dtype_of(ready))
            size = int(ready(x)[1].shape[-1])
            settings = replace(settings, bias_scale=1.0, activation=OWN, hidden_size=size)
        self.controls: dict[str, Any] = {}
        self._output: Any = None
        self.message = ""
        self.settings = settings
        self.trace: GradientTrace
        self._draw()

    @property
    def is_own(self) -> bool:
        """Whether the network is one's own model, not a random one."""
        return self._module is not None or self._make is not None

    @property
    def chooses_hidden_size(self) -> bool:
        """Whether the hidden size can be changed: not of a model that exists already."""
        return self._module is None

    def draw(self, **settings: Any) -> go.Figure:
        """Draw with some settings changed, which stay in force.

        Args:
            settings: fields of :class:`Settings` by name.

        Returns:
            The figure: hidden states of the first sequence, |h_t| and |dL/dh_t|, eigenvalues of
            W_h beside the unit circle, and |dL_k/dh_t|.

        Raises:
            InputError: a setting is unknown or out of range, cannot be changed for this model, or
                the model's states cannot be followed.
        """
        self._draw(**settings)
        return self.figure

    def _draw(self, **settings: Any) -> None:
        unknown = set(settings) - set(Settings.__dataclass_fields__)
        if unknown:
            raise InputError(
                f"unknown setting {sorted(unknown)[0]!r}; expected "
                f"{', '.join(Settings.__dataclass_fields__)}"
            )
        wanted = replace(self.settings, **settings)
        self._check(wanted)
        with _one_thread():
            self.trace, self._drawn = self._measure(wanted)
        self.settings = wanted

    @property
    def figure(self) -> go.Figure:
        """The present figure, for ``.show()`` or ``.write_html("gradients.html")``."""
        return go.Figure(self._drawn)

    def _check(self, wanted: Settings) -> None:
        if not self.chooses_hidden_size and wanted.hidden_size != self.settings.hidden_size:
            raise InputError(
                f"hidden_size={wanted.hidden_size}, but the model has {self.settings.hidden_size}; "
                "give a function that makes it, such as lambda hidden_size: RNNLayer(1, "
                "hidden_size)"
            )
        if not self.offers_activation and wanted.activation != OWN:
            raise InputError(
                f"activation={wanted.activation!r}, but the model does not call an attribute "
                "`nonlinearity` that could be replaced"
            )
        if not self.is_own and wanted.activation == OWN:
            raise InputError(f"activation={OWN!r} needs a model; expected tanh, relu or identity")

    def _own(self, settings: Settings) -> nn.Module:
        """The student's module, or the one that the student's function makes."""
        if self._module is not None:
            return self._module
        assert self._make is not None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            try:
                made = self._make(settings.hidden_size)
            except Exception as error:  # a student's code may raise anything
                raise InputError(
                    f"model({settings.hidden_size}) raised {type(error).__name__}: {error}; give "
                    "a function of the hidden size, such as lambda hidden_size: RNNLayer(1, "
                    "hidden_size)"
                ) from error
        if not isinstance(made, nn.Module):
            raise InputError(
                f"model({settings.hidden_size}) returned a {type(made).__name__}, expected a "
                "torch.nn.Module"
            )
        return made

    def _model(self, settings: Settings, draw: torch.Generator) -> nn.Module:
        """The network to draw: random, or a copy of the student's with other weights."""
        if not self.is_own:
            return gaussian_rnn(
                settings.hidden_size,
                weight_scale=settings.weight_scale,
                bias_scale=settings.bias_scale,
                nonlinearity=settings.activation,
                generator=draw,
            )
        model = student_model.as_model(self._own(settings), self._input_size)
        if settings.activation != OWN:
            student_model.set_activation(model, settings.activation)
        x = torch.randn(1, 3, self._input_size, dtype=student_model.dtype_of(model))
        student_model.scale(model, x, settings.weight_scale, settings.bias_scale)
        return model

    def _measure(self, settings: Settings) -> tuple[GradientTrace, dict[str, Any]]:
        draw = torch.Generator().manual_seed(settings.seed)
        model = self._model(settings, draw)
        dtype = student_model.dtype_of(model)
        shape = (BATCH, settings.length, self._input_size)
        x = torch.randn(shape, generator=draw, dtype=dtype)
        count = torch.arange(1, settings.length + 1, dtype=dtype).view(1, -1, 1)
        outputs = model(x[:1, :2])[0].shape[-1]
        y = (x[..., :1].cumsum(dim=1) / count).expand(-1, -1, outputs)
        trace = student_model.trace(model, x, y, settings.last_step_only)
        pairs = student_model.pairwise_norms(model, x, y, trace)
        charts = _charts(trace, self._names(trace), pairs, *self._eigenvalues(model, x, trace))
        return trace, panels(charts, height=860)

    def _names(self, trace: GradientTrace) -> Sequence[str]:
        """Of each traced layer."""
        if len(trace.layer_names) > 1:
            return trace.layer_names
        return (type(self._module).__name__ if self._module is not None else "network",)

    def _eigenvalues(self, model: nn.Module, x: Tensor, trace: GradientTrace) -> tuple[str, Tensor]:
        """Eigenvalues of W_h, or of the Jacobian of the last step where W_h cannot be told."""
        if student_model.runs_known_layers(model):
            if len(trace.block_names) == 1:
                return "W<sub>h</sub>", trace.eigenvalues[-1, 0]
            steps = trace.jacobians(len(trace.layer_names) - 1)
            return f"{STATE}<sub>T</sub>/{STATE}<sub>T−1</sub>", _eigenvalues(steps[-1])
        if self.offers_activation:
            student_model.set_activation(model, "identity")
            return "W<sub>h</sub>", _eigenvalues(student_model.jacobian(model, x[:, :2]))
        return "∂h<sub>T</sub>/∂h<sub>T−1</sub>", _eigenvalues(student_model.jacobian(model, x))

    def widget(self) -> Any:
        """The sliders and the figure as one widget, made at the first call.

        Raises:
            InputError: ipywidgets is not installed.
        """
        widgets = _ipywidgets()
        if not self.controls:
            self.controls = self._controls(widgets)
            self._output = widgets.Output()
            for control in self.controls.values():
                control.observe(self._changed, names="value")
            self._box = widgets.VBox(
                [
                    widgets.HBox(
                        list(self.controls.values()), layout=widgets.Layout(flex_flow="row wrap")
                    ),
                    self._output,
                ]
            )
            self._show()
        return self._box

    def create_visualization(self) -> None:
        """Display the sliders and the figure in a notebook.

        Raises:
            InputError: ipywidgets is not installed.
        """
        box = self.widget()
        importlib.import_module("IPython.display").display(box)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget()._repr_mimebundle_(**options)

    def _controls(self, widgets: Any) -> dict[str, Any]:
        now = self.settings
        wide = {"style": {"description_width": "7em"}, "continuous_update": False}
        names = list(student_model.ACTIVATIONS)
        if self.is_own:
            names = [OWN, *names] if self.offers_activation else [OWN]
        return {
            "weight_scale": widgets.FloatSlider(
                now.weight_scale, min=0.05, max=3, step=0.05, description="weight scale", **wide
            ),
            "bias_scale": widgets.FloatSlider(
                now.bias_scale, min=0, max=3, step=0.05, description="bias scale", **wide
            ),
            "activation": widgets.Dropdown(
                options=names,
                value=now.activation,
                description="activation",
                disabled=len(names) == 1,
                style=wide["style"],
            ),
            "hidden_size": widgets.IntSlider(
                now.hidden_size,
                min=1,
                max=max(64, now.hidden_size),
                description="hidden size",
                disabled=not self.chooses_hidden_size,
                **wide,
            ),
            "length": widgets.IntSlider(now.length, min=2, max=50, description="length", **wide),
            "last_step_only": widgets.Checkbox(
                now.last_step_only, description="loss at the last step only"
            ),
            "seed": widgets.IntSlider(now.seed, min=0, max=50, description="seed", **wide),
        }

    def _changed(self, change: dict[str, Any]) -> None:
        with _collecting_later():
            try:
                self._draw(**{name: control.value for name, control in self.controls.items()})
            except InputError as error:
                self._show(str(error))
            else:
                self._show()

    def _show(self, message: str = "") -> None:
        """Put the figure, or a message, into the output."""
        self.message = message
        data = {"text/plain": message} if message else media(self._drawn)
        if "google.colab" in sys.modules:  # its Output ignores the trait
            display = importlib.import_module("IPython.display")
            with self._output:
                display.clear_output(wait=True)
                display.display(data, raw=True)
        else:
            self._output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def media(figure: dict[str, Any]) -> dict[str, Any]:
    """The figure as plotly's media type (Jupyter, VS Code) and as HTML (Colab)."""
    name, version = f"eigenlab-{uuid.uuid4()}", get_plotlyjs_version()
    arguments = json.dumps([name, figure["data"], figure["layout"]]).replace("</", "<\\/")
    html = (
        f'<div id="{name}"></div>'
        f'<script src="https://cdn.plot.ly/plotly-{version}.min.js" charset="utf-8"></script>'
        f"<script>Plotly.newPlot(...{arguments})</script>"
    )
    return {"application/vnd.plotly.v1+json": figure, "text/html": html}


def _charts(
    trace: GradientTrace, layers: Sequence[str], pairs: Tensor, matrix: str, eigenvalues: Tensor
) -> list[tuple[str, go.Figure]]:
    """Title and chart of each panel."""
    states = trace.hidden[-1, 0].T.double()
    hidden = plots.heatmap(
        states.tolist(),
        x=range(1, states.shape[1] + 1),
        y=range(1, len(states) + 1),
        x_title=plots.STEP_AXIS,
        y_title="unit",
        value_title="h<sub>t</sub>",
        center=0.0,
        numbers=False,
    )
    norms = plots.norms_chart()
    rows = zip(layers, trace.hidden_norms, trace.gradient_norms, strict=True)
    for index, (layer, of_states, of_gradients) in enumerate(rows):
        plots.add_norms(norms, of_states.tolist(), of_gradients.tolist(), layer, index=index)
    plane = plots.complex_plane()
    values = torch.view_as_real(eigenvalues).double()
    label = f"eigenvalues, spectral radius {float(eigenvalues.abs().max()):.2f}"
    plots.add_eigenvalues(plane, values.tolist(), label)
    return [
        ("Hidden states, first sequence", hidden),
        ("Norms", norms),
        (f"Eigenvalues of {matrix}", plane),
        ("Loss at step k, state at step t", plots.pairwise_heatmap(pairs.tolist())),
    ]


def _eigenvalues(matrix: Tensor) -> Tensor:
    """Of a finite matrix; NaN where it is not."""
    if not matrix.isfinite().all():
        return torch.full((len(matrix),), math.nan, dtype=torch.complex128)
    return torch.linalg.eigvals(matrix.detach().double())


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Matrices this small are slower in several threads, by far so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _collecting_later() -> Iterator[None]:
    """Postpone garbage collection: a full one takes longer than a drawing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _input_size(module: nn.Module) -> int:
    """``input_size`` of the module or the first part that has one; else 1."""
    sizes = (getattr(part, "input_size", None) for part in module.modules())
    return next((size for size in sizes if isinstance(size, int)), 1)


def _ipywidgets() -> Any:
    try:
        return importlib.import_module("ipywidgets")
    except ImportError as error:
        raise InputError(
            "the sliders need ipywidgets, which is not installed; install it with "
            "`pip install ipywidgets`, restart the kernel, and reload the page"
        ) from error
