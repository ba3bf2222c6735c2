// The operations of the check device, each with its tolerance. In a bound, in[k] and out[k] are the largest magnitudes of the k-th
// input and of the k-th output before the call.

#include <algorithm>
#include <cmath>

#include "core/device/check/check.hpp"

namespace strata {
namespace {

/// A term of a sum with coefficient 0 is not read, whatever it holds.
template <class T>
double term(T c, double largest) {
  const auto coefficient = static_cast<double>(c);
  return coefficient == 0 ? 0 : std::abs(coefficient) * largest;
}

double root(Index n) { return std::sqrt(static_cast<double>(n)); }

template <class T>
double heaviest(std::span<const Entry<T>> entries) {
  double sum = 0;
  for (const Entry<T>& e : entries) sum += std::abs(static_cast<double>(e.value));
  return sum;
}

}  // namespace

template <class T>
using Ins = std::vector<ConstView<T>>;
template <class T>
using Outs = std::vector<View<T>>;
using Sizes = std::vector<double>;

template <class T>
void CheckDevice<T>::fill(View<T> y, T value) {
  compare(
      "fill", {}, {y}, [&](Device<T>& d, const Ins<T>&, const Outs<T>& out) { d.fill(out[0], value); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::copy(ConstView<T> x, View<T> y) {
  compare(
      "copy", {x}, {y}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.copy(in[0], out[0]); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::gemm(bool transpose_a, bool transpose_b, T alpha, ConstView<T> a, ConstView<T> b, T beta, View<T> c) {
  const Index inner = transpose_a ? a.rows : a.cols;
  compare(
      "gemm", {a, b}, {c},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.gemm(transpose_a, transpose_b, alpha, in[0], in[1], beta, out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{(4 + root(inner)) * term(alpha, in[0] * in[1]) * root(inner) + 2 * term(beta, out[0]), 4};
      });
}

template <class T>
void CheckDevice<T>::map(Unary f, ConstView<T> x, View<T> y) {
  // log is compared absolutely near its zero; elsewhere the absolute part only covers the spacing of denormal numbers.
  const double absolute = f == Unary::log ? 4 : 1e-30;
  compare(
      "map", {x}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.map(f, in[0], out[0]); },
      [&](const Sizes&, const Sizes&) {
        return Tolerance{absolute, 6};
      });
}

template <class T>
void CheckDevice<T>::axpby(T alpha, ConstView<T> x, T beta, View<T> y) {
  compare(
      "axpby", {x}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.axpby(alpha, in[0], beta, out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{term(alpha, in[0]) + term(beta, out[0]), 2};
      });
}

template <class T>
void CheckDevice<T>::multiply(ConstView<T> a, ConstView<T> b, View<T> y) {
  compare(
      "multiply", {a, b}, {y}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.multiply(in[0], in[1], out[0]); },
      [](const Sizes&, const Sizes&) {
        return Tolerance{0, 1};
      });
}

template <class T>
void CheckDevice<T>::add_scalar(T value, View<T> y) {
  compare(
      "add_scalar", {}, {y}, [&](Device<T>& d, const Ins<T>&, const Outs<T>& out) { d.add_scalar(value, out[0]); },
      [](const Sizes&, const Sizes&) {
        return Tolerance{0, 1};
      });
}

template <class T>
void CheckDevice<T>::scale_columns(ConstView<T> per_stream, View<T> y) {
  compare(
      "scale_columns", {per_stream}, {y}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.scale_columns(in[0], out[0]); },
      [](const Sizes&, const Sizes&) {
        return Tolerance{0, 1};
      });
}

template <class T>
void CheckDevice<T>::add_to_columns(T alpha, ConstView<T> per_stream, View<T> y) {
  compare(
      "add_to_columns", {per_stream}, {y},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.add_to_columns(alpha, in[0], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{term(alpha, in[0]) + out[0], 1};
      });
}

template <class T>
void CheckDevice<T>::add_to_rows(T alpha, ConstView<T> per_unit, View<T> y) {
  compare(
      "add_to_rows", {per_unit}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.add_to_rows(alpha, in[0], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{term(alpha, in[0]) + out[0], 1};
      });
}

template <class T>
void CheckDevice<T>::scale_rows(ConstView<T> per_unit, View<T> y) {
  compare(
      "scale_rows", {per_unit}, {y}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.scale_rows(in[0], out[0]); },
      [](const Sizes&, const Sizes&) {
        return Tolerance{0, 1};
      });
}

template <class T>
void CheckDevice<T>::column_sum(ConstView<T> x, View<T> per_stream) {
  compare(
      "column_sum", {x}, {per_stream}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.column_sum(in[0], out[0]); },
      [&](const Sizes& in, const Sizes&) {
        return Tolerance{(4 + root(x.rows)) * root(x.rows) * in[0], 4};
      });
}

template <class T>
void CheckDevice<T>::column_max(ConstView<T> x, View<T> per_stream) {
  compare(
      "column_max", {x}, {per_stream}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.column_max(in[0], out[0]); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::row_sum(T alpha, ConstView<T> x, ConstView<T> weight, T beta, View<T> per_unit) {
  compare(
      "row_sum", {x, weight}, {per_unit},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.row_sum(alpha, in[0], in[1], beta, out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{(4 + root(x.cols)) * root(x.cols) * term(alpha, in[0] * in[1]) + 2 * term(beta, out[0]), 4};
      });
}

template <class T>
void CheckDevice<T>::gather_columns(ConstView<T> x, std::span<const std::int32_t> ids, View<T> y) {
  compare(
      "gather_columns", {x}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.gather_columns(in[0], ids, out[0]); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::scatter_add_columns(ConstView<T> x, std::span<const Scatter<T>> scatters, View<T> y) {
  double scale = 0;
  for (const Scatter<T>& s : scatters) scale += std::abs(static_cast<double>(s.scale));
  compare(
      "scatter_add_columns", {x}, {y},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.scatter_add_columns(in[0], scatters, out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{2 * (term(scale, in[0]) + out[0]), 2};
      });
}

template <class T>
void CheckDevice<T>::select_columns(ConstView<T> mask, ConstView<T> x, View<T> y) {
  compare(
      "select_columns", {mask, x}, {y}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.select_columns(in[0], in[1], out[0]); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::add_entries(std::span<const Entry<T>> entries, ConstView<T> weight, View<T> y) {
  compare(
      "add_entries", {weight}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.add_entries(entries, in[0], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{2 * (heaviest(entries) * (weight.data == nullptr ? 1 : in[0]) + out[0]), 2};
      });
}

template <class T>
void CheckDevice<T>::dot_entries(T scale, std::span<const Entry<T>> entries, ConstView<T> x, View<T> gradient) {
  compare(
      "dot_entries", {x}, {gradient},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.dot_entries(scale, entries, in[0], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{2 * (term(scale, heaviest(entries) * in[0]) + out[0]), 2};
      });
}

template <class T>
void CheckDevice<T>::dropout_mask(double rate, RandomKey key, View<T> y) {
  compare(
      "dropout_mask", {}, {y}, [&](Device<T>& d, const Ins<T>&, const Outs<T>& out) { d.dropout_mask(rate, key, out[0]); },
      [](const Sizes&, const Sizes&) { return Tolerance{}; });
}

template <class T>
void CheckDevice<T>::prediction_error(T precision, ConstView<T> x, ConstView<T> mu, View<T> e, View<T> energy) {
  compare(
      "prediction_error", {x, mu}, {e, energy},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.prediction_error(precision, in[0], in[1], out[0], out[1]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{term(precision, in[0] + in[1]) + out[1], 4 + root(x.rows)};
      });
}

template <class T>
void CheckDevice<T>::relax_step(T precision, ConstView<T> mu, ConstView<T> message, ConstView<T> step, View<T> x, View<T> f) {
  compare(
      "relax_step", {mu, message, step}, {x, f},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.relax_step(precision, in[0], in[1], in[2], out[0], out[1]); },
      [&](const Sizes& in, const Sizes& out) {
        const double slope = 1 + out[1] * out[1];
        return Tolerance{4 * (out[0] + in[2] * (in[0] + out[0] + slope * term(1 / static_cast<double>(precision), in[1]))), 4};
      });
}

template <class T>
void CheckDevice<T>::affine(ConstView<T> w, ConstView<T> x, ConstView<T> b, T beta, View<T> y) {
  compare(
      "affine", {w, x, b}, {y}, [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.affine(in[0], in[1], in[2], beta, out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{(4 + root(w.cols)) * root(w.cols) * in[0] * in[1] + 2 * (in[2] + term(beta, out[0])), 4};
      });
}

template <class T>
void CheckDevice<T>::softmax_cross_entropy(ConstView<T> logits, std::span<const Entry<T>> targets, View<T> error, View<T> loss) {
  compare(
      "softmax_cross_entropy", {logits}, {error, loss},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.softmax_cross_entropy(in[0], targets, out[0], out[1]); },
      // p is off by what the logits' shift rounds, relatively; 1 - p of a target and m lse - q logits cancel.
      [&](const Sizes& in, const Sizes&) {
        return Tolerance{4 + 4 * in[0], 8 + 2 * in[0] + root(logits.rows)};
      });
}

template <class T>
void CheckDevice<T>::softmax_summary(ConstView<T> logits, ConstView<T> background, View<T> normaliser, View<T> entropy,
                                     View<T> divergence) {
  compare(
      "softmax_summary", {logits, background}, {normaliser, entropy, divergence},
      [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.softmax_summary(in[0], in[1], out[0], out[1], out[2]); },
      [&](const Sizes& in, const Sizes&) {
        const double size = in[0] + in[1] + std::log(static_cast<double>(logits.rows)) + 1;
        return Tolerance{4 * size * (1 + in[0]), 8 + root(logits.rows)};
      });
}

template <class T>
void CheckDevice<T>::log_sum_exp(ConstView<T> logits, View<T> normaliser) {
  compare(
      "log_sum_exp", {logits}, {normaliser}, [](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.log_sum_exp(in[0], out[0]); },
      [&](const Sizes& in, const Sizes&) {
        return Tolerance{4 + 4 * in[0], 4};
      });
}

template <class T>
void CheckDevice<T>::softmax_layer(std::span<const SoftmaxPart<T>> parts, ConstView<T> bias, std::span<const Entry<T>> extra,
                                   std::span<const std::int32_t> columns, std::uint64_t version, View<T> normaliser, View<T> probability) {
  Ins<T> inputs{bias};
  Outs<T> outputs{normaliser, probability};
  for (const SoftmaxPart<T>& part : parts) {
    inputs.insert(inputs.end(), {part.weight, part.x});
    outputs.push_back(part.mean);
  }
  const auto call = [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) {
    std::vector<SoftmaxPart<T>> now;
    for (std::size_t k = 0; k < parts.size(); ++k) now.push_back({in[2 * k + 1], in[2 * k + 2], out[k + 2]});
    d.softmax_layer(now, in[0], extra, columns, &d == expected_.get() ? 0 : version, out[0], out[1]);
  };
  compare("softmax_layer", inputs, outputs, call, [&](const Sizes& in, const Sizes&) {
    double logit = in[0] + heaviest(extra), rounding = 0, largest = 1;  // of a logit, its rounding, of W
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const double n = static_cast<double>(parts[k].weight.rows), term = in[2 * k + 1] * in[2 * k + 2];
      logit += n * term;
      rounding += (4 + std::sqrt(n)) * std::sqrt(n) * term;
      largest = std::max(largest, in[2 * k + 1]);
    }
    const double share = rounding + 4 * std::min(logit, 90.) + 8 + root(parts[0].weight.cols);  // of a probability
    return Tolerance{largest * share, share};
  });
}

template <class T>
void CheckDevice<T>::leaky_integrate(ConstView<T> decay, T gain, ConstView<T> active, ConstView<T> s, View<T> h) {
  compare(
      "leaky_integrate", {decay, active, s}, {h},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.leaky_integrate(in[0], gain, in[1], in[2], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{in[0] * out[0] + term(gain, in[1] * in[2]), 2};
      });
}

template <class T>
void CheckDevice<T>::settle_dense(Activation activation, Index steps, T rate, ConstView<T> input, std::span<const DenseLayer<T>> layers) {
  std::vector<ConstView<T>> inputs{input};
  std::vector<View<T>> outputs;
  std::vector<double> terms;  // of a product of each layer
  for (std::size_t l = 0; l < layers.size(); ++l) {
    inputs.insert(inputs.end(), {layers[l].weight, layers[l].bias});
    if (l + 1 < layers.size()) outputs.insert(outputs.end(), {layers[l].x, layers[l].f});
    outputs.push_back(layers[l].e);
    terms.push_back(root(layers[l].weight.cols) + root(layers[l].weight.rows));
  }
  inputs.push_back(layers.back().x);
  compare(
      "settle_dense", inputs, outputs,
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) {
        std::vector<DenseLayer<T>> chain;
        for (std::size_t l = 0, k = 0; l < layers.size(); ++l) {
          const bool last = l + 1 == layers.size();
          DenseLayer<T> layer{in[1 + 2 * l], in[2 + 2 * l], {}, {}, {}};
          if (last) {
            const ConstView<T> x = in.back();
            layer.x = {const_cast<T*>(x.data), x.rows, x.cols,
                       x.ld};  // NOLINT(cppcoreguidelines-pro-type-const-cast): clamped, not written
          } else {
            layer.x = out[k++];
            layer.f = out[k++];
          }
          layer.e = out[k++];
          chain.push_back(layer);
        }
        d.settle_dense(activation, steps, rate, in[0], chain);
      },
      // A step takes `rate` of what its products round, and settling forgets; a product of n terms is off by about sqrt(n) of the largest.
      [&](const Sizes& in, const Sizes&) {
        double sum = 1 + in[0] + in.back();
        for (std::size_t l = 0; l < terms.size(); ++l) sum += terms[l] * in[1 + 2 * l] * (1 + in[0]) + in[2 + 2 * l];
        return Tolerance{8 * sum * (1 + static_cast<double>(rate) * static_cast<double>(steps)), 16};
      });
}

template <class T>
void CheckDevice<T>::outer_product(T scale, ConstView<T> error, ConstView<T> activity, View<T> gradient) {
  compare(
      "outer_product", {error, activity}, {gradient},
      [&](Device<T>& d, const Ins<T>& in, const Outs<T>& out) { d.outer_product(scale, in[0], in[1], out[0]); },
      [&](const Sizes& in, const Sizes& out) {
        return Tolerance{(4 + root(error.cols)) * root(error.cols) * term(scale, in[0] * in[1]) + 2 * out[0], 4};
      });
}

template <class T>
void CheckDevice<T>::adam(const AdamStep& step, View<T> gradient, View<T> first_moment, View<T> second_moment, View<T> weight) {
  compare(
      "adam", {}, {gradient, first_moment, second_moment, weight},
      [&](Device<T>& d, const Ins<T>&, const Outs<T>& out) { d.adam(step, out[0], out[1], out[2], out[3]); },
      [](const Sizes&, const Sizes& out) {
        return Tolerance{2 * std::max({out[0], out[1], out[3]}), 8};
      });
}

template class CheckDevice<float>;
template class CheckDevice<double>;

}  // namespace strata
