"""scikit-learn's ``sklearn.svm``; the linear machines on the Rust core."""

from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM, l1_min_c

from ferroflow.svm._linear import LinearSVC, LinearSVR

__all__ = ["SVC", "SVR", "LinearSVC", "LinearSVR", "NuSVC", "NuSVR", "OneClassSVM", "l1_min_c"]
