"""scikit-learn's ``sklearn.calibration``, its curve on the Rust core."""

from sklearn.calibration import CalibratedClassifierCV as CalibratedClassifierCV
from sklearn.calibration import CalibrationDisplay as CalibrationDisplay

from ferroflow.calibration._curve import calibration_curve

__all__ = ["calibration_curve"]
