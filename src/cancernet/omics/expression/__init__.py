"""Expression matrices: samples and genes from files, and the preparation that is learnt from training samples alone."""

from cancernet.omics.expression.matrix import Matrix, read_matrix
from cancernet.omics.expression.names import kind_of_names
from cancernet.omics.expression.prepare import Preparation, PreparationOptions, fit_preparation
from cancernet.omics.expression.samples import Expression, SampleOptions, read_expression

__all__ = [
    "Expression",
    "Matrix",
    "Preparation",
    "PreparationOptions",
    "SampleOptions",
    "fit_preparation",
    "kind_of_names",
    "read_expression",
    "read_matrix",
]
