"""Export of frozen models to other formats."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferroflow.frozen import FrozenModel
from ferroflow.frozen._file import write_whole

if TYPE_CHECKING:
    import onnx

OPSET, ML_OPSET = 17, 3


def to_onnx(model: FrozenModel, path: str | os.PathLike | None = None) -> "onnx.ModelProto":
    """Write a frozen model in ONNX's operators, for runtimes that read nothing else.

    Each column of the schema is an input of shape (n_rows, 1): numbers and truths as float64 (float32 where the model
    was trained on float32), texts as strings. A model of an array without column names has one input ``X`` of shape
    (n_rows, n_columns). Outputs are ``label`` and ``probabilities`` (or ``scores``, without probabilities) of a classifier, ``values``
    of other models.

    What ONNX cannot say differs: the empty text stands for a missing one; a row that the model refuses (an unknown
    category, an infinite number) gives NaN or whatever follows from it; sums and exponentials are the runtime's, so that
    numbers agree to about 1e-12 of their size, not to the last bit. ferroflow's own runtimes have none of these gaps.

    Parameters
    ----------
    model : FrozenModel
    path : str or path-like, default=None
        Where to write the file, if anywhere.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    TypeError
        The model has an op that ONNX cannot express; says which.
    ImportError
        The package onnx is not installed: ``pip install ferroflow[onnx]``.
    """
    try:
        import onnx
        from onnx import helper
    except ImportError:
        raise ImportError("to_onnx needs the package onnx: pip install 'ferroflow[onnx]'") from None
    from ferroflow.deploy._onnx.builder import ML, Builder
    from ferroflow.deploy._onnx.document import Document
    from ferroflow.deploy._onnx.ops import OPS
    from ferroflow.deploy._onnx.output import outputs_of

    document = Document(model.to_bytes())
    head, b = document.head, Builder()
    unknown = sorted(set(head["ops"]) - set(OPS) - {"select", "concat"})
    if unknown:
        raise TypeError(
            f"ONNX cannot express the op {unknown[0]!r} of this model. Serve the model file itself, or train "
            "without that step."
        )
    inputs, columns = _inputs(head["schema"], b)
    values = [columns]
    for node in head["graph"]:
        if node["op"] == "concat":
            values.append([column for at in node["in"] for column in values[at]])
        elif node["op"] == "select":
            values.append([values[node["in"]][at] for at in node["columns"]])
        else:
            values.append(OPS[node["op"]](b, document, node, values[node["in"]]))
    outputs = outputs_of(b, document, values)
    graph = helper.make_graph(b.nodes, head["name"] or "model", inputs, outputs, b.constants)
    made = helper.make_model(
        graph,
        producer_name="ferroflow",
        producer_version=head["provenance"].get("ferroflow", ""),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
        ir_version=8,
    )
    helper.set_model_props(made, {"name": head["name"], "version": head["version"], "sha256": model.sha256})
    onnx.checker.check_model(made)
    if path is not None:
        write_whole(Path(path), made.SerializeToString())
    return made


def _inputs(schema: list[dict], b: Any) -> tuple[list, list]:
    from onnx import TensorProto, helper

    def kind(column: dict) -> int:
        if column["kind"] == "text":
            return TensorProto.STRING
        return TensorProto.FLOAT if column["float"] == 32 else TensorProto.DOUBLE

    kinds = {kind(column) for column in schema}
    unnamed = [column["name"] for column in schema] == [f"x{j}" for j in range(len(schema))]
    groups = (
        [("X", schema)] if unnamed and len(kinds) == 1 else [(column["name"], [column]) for column in schema]
    )
    inputs, columns = [], []
    for name, members in groups:
        element, width = kind(members[0]), len(members)
        inputs.append(helper.make_tensor_value_info(name, element, ["rows", width]))
        tensor = b.widened(name, 32) if element == TensorProto.FLOAT else name
        columns += b.columns(tensor, width, element == TensorProto.STRING)
    return inputs, columns
