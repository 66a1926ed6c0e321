"""The scikit-learn face: estimators that take scikit-learn's place by changing the import, and offer more."""

from chainrule.estimators.autoencoder import Autoencoder
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.interchange import to_sklearn
from chainrule.estimators.regressor import MLPRegressor

__all__ = ["Autoencoder", "MLPClassifier", "MLPRegressor", "to_sklearn"]
