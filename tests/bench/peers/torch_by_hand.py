"""The classic network's learning step in PyTorch, gradients written by hand: what a careful user of PyTorch would write.

Install: apt install python3-torch libopenblas0-pthread (without OpenBLAS Debian's PyTorch multiplies with the reference BLAS, tens of times slower),
or pip install torch.  Shapes: samples x units, as PyTorch has them; weights n_l x n_(l-1).
"""

import torch

NAME = "PyTorch, by hand"


def version():
    return torch.__version__


class Step:
    """`hoist`: the product with the clamped input once per step instead of in every sweep."""

    def __init__(self, activation, steps, rate, learning_rate, threads, arrays, hoist):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.relu, self.steps, self.rate, self.learning_rate, self.hoist = activation == "relu", steps, rate, learning_rate, hoist
        self.input, self.target, *weights = (torch.from_numpy(a.copy()) for a in arrays)
        self.w, self.b = weights[0::2], [b.reshape(-1) for b in weights[1::2]]

    def f(self, x):
        return torch.relu(x) if self.relu else torch.tanh(x)

    def slope(self, f):
        return (f > 0).to(f.dtype) if self.relu else 1 - f * f

    def step(self):
        w, b, last = self.w, self.b, len(self.w) - 1
        first = torch.addmm(b[0], self.input, w[0].t())
        x, f, e = [], [], []
        below = self.input
        for l in range(last):
            x.append(first.clone() if l == 0 else torch.addmm(b[l], below, w[l].t()))
            f.append(self.f(x[l]))
            e.append(torch.zeros_like(x[l]))
            below = f[l]
        e.append(self.target - torch.addmm(b[last], below, w[last].t()))
        for _ in range(self.steps):
            for l in range(last):  # upwards: the message needs the error above as it was
                x[l] += self.rate * (self.slope(f[l]) * torch.mm(e[l + 1], w[l + 1]) - e[l])
                f[l] = self.f(x[l])
                if l == 0:
                    mu = first if self.hoist else torch.addmm(b[0], self.input, w[0].t())
                else:
                    mu = torch.addmm(b[l], f[l - 1], w[l].t())
                e[l] = x[l] - mu
            e[last] = self.target - torch.addmm(b[last], f[last - 1], w[last].t())
        share = self.learning_rate / self.input.shape[0]
        for l in range(last + 1):
            w[l].addmm_(e[l].t(), self.input if l == 0 else f[l - 1], alpha=share)
            b[l].add_(e[l].sum(0), alpha=share)

    def weights(self):
        return [a.numpy() for pair in zip(self.w, self.b) for a in pair]
