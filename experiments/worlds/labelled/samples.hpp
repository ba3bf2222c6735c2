#pragma once
// Labelled samples: vectors of numbers, each of a class. Drawn, or read from files.
//
// Equation       drawn: class c uniform, value = template_c + noise N(0, 1), template_c a vector of 0 and `contrast`, each with probability 1/2
// Symbols        value features x 1; bytes of a file are divided by 255, other numbers kept
// Discretisation one sample is one step; nothing of a sample tells of the next
// Limit          p(c | value) ~ exp(-|value - template_c|^2 / (2 noise^2)): the exact observer's
// Source         IDX: the format of LeCun, Cortes & Burges' MNIST files; HDF5: a dataset of samples (first axis) and one of labels

#include <cstdint>
#include <string>
#include <vector>

#include "core/observation.hpp"
#include "core/parameter.hpp"

namespace strata::labelled {

struct Settings {
  Index features = 784, classes = 10;
  double contrast = .25, noise = 1;
  std::uint64_t tables = 1;                           ///< seed of the templates
  std::string samples = "images", labels = "labels";  ///< datasets of an HDF5 file
};

/// Keys world.* of the labelled world.
ParameterTable parameters();
Settings settings(const Values& values);

struct Samples {
  std::string path;
  Index features = 0, classes = 0;
  std::vector<float> value;         ///< features per sample, sample after sample
  std::vector<std::int32_t> label;  ///< 0 .. classes - 1

  Index count() const { return static_cast<Index>(label.size()); }
};

/// One HDF5 file with both datasets, or two IDX files in either order. Throws FileError, DataError naming the file, ConfigError.
Samples read(const std::vector<std::string>& paths, const Settings& settings);

}  // namespace strata::labelled
