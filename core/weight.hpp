#pragma once
// A weight with its gradient and its optimiser's moments.

#include <algorithm>
#include <cmath>
#include <string>

#include "core/archive.hpp"
#include "core/device/device.hpp"
#include "core/random.hpp"

namespace strata {

/// value: what the level computes with. gradient: sum of local updates (error x activity), pointing downhill in loss.
/// feedback: the way back of errors where it has weights of its own (share_signs(), mirror()); they change by the same local updates and decay, so
/// that what the two differ by decays. Source: Kolen & Pollack 1994; Akrout et al. 2019.
template <class T>
struct Weight {
  std::string name;
  Tensor<T> value, gradient, first_moment, second_moment, feedback;
  bool decays = true;        ///< weight decay applies (not to biases and gains per word)
  bool returns = true;       ///< errors pass through it on their way back, if it decays; not through what only reads words in
  bool by_rows = false;      ///< activity enters by rows (words are read out of it), not by columns
  bool from_above = false;   ///< what the level above does enters by it
  double rate = 1;           ///< of this weight, times the learning rate
  bool idle = false;         ///< nothing can be learned of it as long as levels sleep: it stays as it is
  std::int64_t updates = 0;  ///< behind it

  Weight() = default;
  Weight(Device<T>& device, std::string its_name, Index rows, Index cols, bool its_decays = true)
      : name(std::move(its_name)),
        value(device, rows, cols),
        gradient(device, rows, cols),
        first_moment(device, rows, cols),
        second_moment(device, rows, cols),
        decays(its_decays) {}

  Index size() const { return value.rows() * value.cols(); }

  bool separate() const { return feedback.rows() > 0; }
  /// What errors pass through on their way back.
  ConstView<T> back() const { return separate() ? feedback.view() : value.view(); }

  /// Errors return by weights of their own from now on, of the signs that the value was drawn with and magnitudes drawn anew.
  /// Source: signs that agree, Liao, Leibo & Poggio 2016.
  void share_signs(std::uint64_t seed, std::uint32_t level) {
    std::vector<T> drawn(static_cast<std::size_t>(size()));
    value.device().download(value, drawn);
    double power = 0;
    for (const T x : drawn) power += static_cast<double>(x) * static_cast<double>(x);
    const double sd = std::sqrt(power / static_cast<double>(std::max<Index>(1, size())));
    const std::uint64_t base = key_of(name + "_feedback", seed, level);
    for (std::size_t k = 0; k < drawn.size(); ++k) {
      const double magnitude = sd * std::abs(random_normal(base, static_cast<std::uint32_t>(k), 0));
      drawn[k] = static_cast<T>(std::copysign(magnitude, static_cast<double>(drawn[k])));
    }
    feedback = {value.device(), value.rows(), value.cols()};
    value.device().upload(drawn, feedback);
  }

  /// Errors return by weights of their own from now on, found without a look at the value: white noise x enters, what comes out is y = W x,
  /// and the mean of x y' is W' but for a relative error of 1 / sqrt(samples per unit that it enters by).
  /// Source: the weight mirror, Akrout et al. 2019.
  void mirror(std::uint64_t seed, std::uint32_t level) {
    Device<T>& device = value.device();
    const Index in = by_rows ? value.rows() : value.cols(), out = by_rows ? value.cols() : value.rows();
    const std::uint64_t base = key_of(name + "_mirror", seed, level);
    feedback = {device, value.rows(), value.cols()};
    Tensor<T> x(device, in, in), y(device, out, in);
    std::vector<T> noise(static_cast<std::size_t>(in * in));
    const T share = T(1) / static_cast<T>(mirror_samples * in);
    for (std::uint32_t block = 0; block < mirror_samples; ++block) {
      for (std::size_t k = 0; k < noise.size(); ++k) noise[k] = static_cast<T>(random_normal(base, static_cast<std::uint32_t>(k), block));
      device.upload(noise, x);
      device.gemm(by_rows, false, T(1), value.view(), x.view(), T(0), y);
      if (by_rows)
        device.outer_product(share, x, y, feedback);
      else
        device.outer_product(share, y, x, feedback);
    }
  }

  /// value ~ N(0, sd^2), keyed by (seed, level, name).
  void randomise(double sd, std::uint64_t seed, std::uint32_t level) {
    const std::uint64_t base = key_of(name, seed, level);
    std::vector<T> dense(static_cast<std::size_t>(size()));
    for (Index j = 0, k = 0; j < value.cols(); ++j)
      for (Index i = 0; i < value.rows(); ++i, ++k)
        dense[static_cast<std::size_t>(k)] =
            static_cast<T>(sd * random_normal(base, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)));
    value.device().upload(dense, value);
  }

  void archive_value(Archive& archive) {
    archive.tensor(name, value);
    if (separate()) archive.tensor(name + "_feedback", feedback);
  }
  /// The running mean of squared gradients, and of how many: what learning needs to go on from a model.
  void archive_power(Archive& archive) {
    archive.tensor(name, second_moment);
    archive.value(name + "_updates", updates);
  }
  void archive_optimiser(Archive& archive) {
    Archive::Scope scope(archive, name);
    archive.tensor("first_moment", first_moment);
    archive.tensor("second_moment", second_moment);
    archive.tensor("gradient", gradient);
    archive.value("updates", updates);
  }

 private:
  static constexpr std::uint32_t mirror_samples = 16;  // per unit that noise enters by

  static std::uint64_t key_of(const std::string& name, std::uint64_t seed, std::uint32_t level) {
    std::uint32_t purpose = 2166136261U;
    for (const char c : name) purpose = (purpose ^ static_cast<std::uint8_t>(c)) * 16777619U;
    return random_base(seed, 0, level, purpose);
  }
};

}  // namespace strata
