"""The first part of lesson deep-binary: the vectorized equations, their shapes, and which product stands where."""

from __future__ import annotations

import numpy as np

from chainrule import backprop
from chainrule.formulas import Array
from chainrule.language import Message
from chainrule.lessons.by_hand import errors_by_hand
from chainrule.lessons.story import Story
from chainrule.model import Model

__all__ = ["tell_equations"]


def tell_equations(story: Story, model: Model, X: Array, y: Array) -> None:
    """Show which arrays there are and how they are multiplied; hold the written-out equations to the library."""
    story.heading("The equations and their shapes")
    story.formula("Zˡ = Aˡ⁻¹ (Wˡ)ᵀ + bˡ,   Aˡ = f(Zˡ)", r"Z^l = A^{l-1} (W^l)^\top + b^l, \qquad A^l = f(Z^l)")
    story.say(
        "All derivatives of the cost C, the mean loss of m rows, come from one matrix per layer: D, the error of the"
        " layer, has the shape of Z, and its entries are the derivatives ∂C/∂z. The sign ⊙ stands for the product"
        " entry by entry of two matrices of the same shape. K is the last layer, Y the targets, f′ the slope of f, and"
        " Dˡᵢ row i of Dˡ. Four equations, worked out from the last layer to the first, are the whole backward pass:"
    )
    story.formula("Dᴷ = (Aᴷ − Y) / m", r"D^K = \frac{1}{m} (A^K - Y)")
    story.formula("Dˡ = (Dˡ⁺¹ Wˡ⁺¹) ⊙ f′(Zˡ)", r"D^l = (D^{l+1} W^{l+1}) \odot f'(Z^l)")
    story.formula("∂C/∂bˡ = Σᵢ Dˡᵢ", r"\frac{\partial C}{\partial b^l} = \sum_{i=1}^{m} D^l_i")
    story.formula("∂C/∂Wˡ = (Dˡ)ᵀ Aˡ⁻¹", r"\frac{\partial C}{\partial W^l} = (D^l)^\top A^{l-1}")
    story.say(
        "The first is so short because the slopes of cross-entropy and sigmoid cancel, as in lesson softmax. Here 1/m,"
        " which makes the cost a mean, enters, and nowhere else: the other three pass it on. The third adds up the rows"
        " of D, since b is added to every row of Z. The fourth adds up over the rows, too, within the matrix product."
    )
    story.say("For this network, layer by layer, with the shape of each array:")
    story.derivation(backprop(model))
    passed = model.forward(X)
    arrays = [(l, passed.A[l - 1], model.W[l], model.b[l], passed.Z[l]) for l in passed.Z]
    story.table(
        ("l", "A[l−1]", "W[l]", "b[l]", "Z[l], A[l], D[l]"),
        [(l, *(" × ".join(map(str, array.shape)) for array in row)) for l, *row in arrays],
        title=Message("Shapes with {m} rows at once", m=len(X)),
    )
    story.say(
        "A matrix product joins two layers: A with W on the way forward, D with W on the way back, D with A for the"
        " derivatives of W. A product entry by entry, written ⊙, stays within a layer: f works on each z alone, and so"
        " does its slope."
    )
    story.say(
        "The slope of ReLU is 1 where z > 0 and 0 elsewhere. The backward step is not that slope. The product"
        " Dˡ⁺¹ Wˡ⁺¹ is ∂C/∂A of layer l, the error that comes from the layer above; call it G. The step lets G through"
        " where z > 0: D = G ⊙ (Z > 0). Programs that call G dA and D dZ write dZ = dA * (Z > 0). Code with the bare"
        " slope in place of D has the right shapes and runs, and has lost what the layers above had to say."
    )
    D, gradient = errors_by_hand(model, passed, y[:, np.newaxis]), model.gradient(X, y)
    K, weights, biases = len(D), {l: D[l].T @ passed.A[l - 1] for l in D}, {l: D[l].sum(axis=0) for l in D}
    story.check("the error of the output is (A − Y) / m", np.allclose(D[K], (passed.A[K] - y[:, np.newaxis]) / len(X)))
    story.check(
        "the equations, written out in NumPy, give the library's gradient for all W and b",
        all(np.allclose(weights[l], gradient.W[l]) and np.allclose(biases[l], gradient.b[l]) for l in D),
    )
    G, through = D[2] @ model.W[2], passed.Z[1] > 0
    story.check("the ReLU step of layer 1 is G ⊙ (Z > 0)", np.array_equal(D[1], G * through))
    bare = np.allclose(through.T @ passed.A[0], gradient.W[1])
    story.check("the bare slope in its place gives another gradient", not bare)
