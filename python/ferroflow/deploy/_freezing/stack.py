"""Models that learn from what others say."""

from typing import TYPE_CHECKING, Any

from sklearn.base import is_classifier

from ferroflow.deploy._freezing.graph import Value
from ferroflow.deploy._freezing.linear import classes_of, targets
from ferroflow.deploy._freezing.members import label_of, predicted, probabilities, scores

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def stacking(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    said = stacking_step(compiler, model, value, model.transform(value.sample), where)
    place = f"{where}, final_estimator"
    output = compiler.member(model.final_estimator_, said, place)
    if not is_classifier(model):
        raw = model.predict(value.sample)
        return output | targets(compiler, raw, 1, y)
    kind, classes = classes_of(compiler, model.classes_, where)
    return output | {"names": compiler.texts("output.names", []), "class_kind": kind, "classes": classes}


def stacking_step(compiler: "Compiler", step: Any, value: Value, out: Any, where: str) -> Value:
    """What each member says, then the columns themselves if they pass through."""
    names = [name for name, one in step.estimators if not isinstance(one, str)]
    parts = []
    for name, one, method in zip(names, step.estimators_, step.stack_method_, strict=True):
        place = f"{where}, {name!r}"
        if method == "predict_proba":
            part = probabilities(compiler, one, value, place)
            if len(step.classes_) == 2:
                part = compiler.select(part, [1], None)
        elif method == "decision_function":
            part = scores(compiler, one, value, place)
        else:
            part = (label_of if is_classifier(step) else predicted)(compiler, one, value, place)
        parts.append(part)
    if step.passthrough:
        compiler.only_numbers(value, where)
        parts.append(value)
    return compiler.concat(parts, out)


STEPS = {"StackingClassifier": stacking_step, "StackingRegressor": stacking_step}
MODELS = {"StackingClassifier": stacking, "StackingRegressor": stacking}
