#include "experiments/worlds/labelled/samples.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "core/io/hdf5.hpp"

namespace strata::labelled {
namespace {

constexpr Index most_classes = 4096;

/// An array of bytes in an IDX file: two zero bytes, 8 for unsigned bytes, the number of axes, each length in four bytes, then the data.
struct Idx {
  std::vector<Index> shape;
  std::vector<std::uint8_t> data;
};

Idx read_idx(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FileError(path, "", "cannot be opened");
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.size() < 4 || at(0) != 0 || at(1) != 0)
    throw DataError(path, 0,
                    "is neither IDX (it would begin with two zero bytes) nor HDF5; an IDX file that is compressed must be unpacked first");
  if (at(2) != 8) throw DataError(path, 0, "holds IDX data of type " + std::to_string(at(2)) + "; unsigned bytes (8) are read");
  const std::size_t axes = at(3), head = 4 + 4 * axes;
  if (axes == 0 || bytes.size() < head) throw DataError(path, 0, "ends inside its IDX header");
  Idx idx;
  Index elements = 1;
  for (std::size_t k = 0; k < axes; ++k) {
    Index length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = 256 * length + at(4 + 4 * k + i);
    idx.shape.push_back(length);
    elements = length > 0 && elements > (Index{1} << 40) / length ? Index{1} << 41 : elements * length;
  }
  if (static_cast<Index>(bytes.size() - head) != elements)
    throw DataError(path, 0,
                    "its header promises " + std::to_string(elements) + " bytes, " + std::to_string(bytes.size() - head) + " follow");
  idx.data.assign(bytes.begin() + static_cast<std::ptrdiff_t>(head), bytes.end());
  return idx;
}

void take_labels(Samples& all, const std::string& path, const std::vector<std::int64_t>& labels) {
  std::int64_t most = 0;
  for (const std::int64_t label : labels) {
    if (label < 0 || label >= most_classes)
      throw DataError(path, 0, "label " + std::to_string(label) + " is no class; 0 to " + std::to_string(most_classes - 1) + " are");
    most = std::max(most, label);
    all.label.push_back(static_cast<std::int32_t>(label));
  }
  all.classes = most + 1;
}

void check(const Samples& all, Index samples) {
  if (samples == 0 || all.features == 0) throw DataError(all.path, 0, "holds no samples");
  if (samples != all.count())
    throw DataError(all.path, 0, std::to_string(samples) + " samples and " + std::to_string(all.count()) + " labels");
  if (samples < 10)
    throw DataError(all.path, 0, "holds " + std::to_string(samples) + " samples; ten at least are needed, one of them to be held back");
  if (all.classes < 2) throw DataError(all.path, 0, "all samples are of one class; two at least are needed");
  for (std::size_t i = 0; i < all.value.size(); ++i)
    if (!std::isfinite(all.value[i]))
      throw DataError(all.path, 0, "sample " + std::to_string(static_cast<Index>(i) / all.features) + " holds a number that is not finite");
}

Samples from_idx(const std::vector<std::string>& paths) {
  Idx first = read_idx(paths[0]), second = read_idx(paths[1]);
  const bool swapped = first.shape.size() == 1;
  const Idx &samples = swapped ? second : first, &labels = swapped ? first : second;
  if (labels.shape.size() != 1 || samples.shape.size() < 2)
    throw DataError(paths[0], 0, "and " + paths[1] + ": one IDX file must hold samples (two axes or more) and the other labels (one axis)");
  Samples all;
  all.path = paths[swapped ? 1 : 0];
  all.features = 1;
  for (std::size_t k = 1; k < samples.shape.size(); ++k) all.features *= samples.shape[k];
  for (const std::uint8_t x : samples.data) all.value.push_back(static_cast<float>(x) / 255.F);
  take_labels(all, paths[swapped ? 0 : 1], {labels.data.begin(), labels.data.end()});
  check(all, samples.shape[0]);
  return all;
}

Samples from_hdf5(const std::string& path, const Settings& settings) {
  const Hdf5File file(path);
  for (const std::string& name : {settings.samples, settings.labels})
    if (!file.exists(name) || file.is_group(name) || file.is_text(name))
      throw DataError(path, 0, "no dataset of numbers '" + name + "' inside; name them by world.samples and world.labels");
  const Shape shape = file.shape(settings.samples);
  if (shape.size() < 2 || file.shape(settings.labels).size() != 1)
    throw DataError(path, 0, "'" + settings.samples + "' needs two axes or more, samples first, and '" + settings.labels + "' one");
  Samples all;
  all.path = path;
  all.features = 1;
  for (std::size_t k = 1; k < shape.size(); ++k) all.features *= shape[k];
  all.value = file.read<float>(settings.samples).data;
  take_labels(all, path, file.read<std::int64_t>(settings.labels).data);
  check(all, shape[0]);
  return all;
}

}  // namespace

ParameterTable parameters() {
  const Settings d;
  return {
      {"features", std::int64_t{d.features}, 1, 1e6, {}, "1", "numbers of a drawn sample", ""},
      {"classes", std::int64_t{d.classes}, 2, 4096, {}, "1", "of drawn samples", ""},
      {"contrast", d.contrast, 0, 1e6, {}, "1", "drawn: what a template's entry is where it is not 0", ""},
      {"noise", d.noise, 1e-6, 1e6, {}, "1", "drawn: standard deviation of a sample around its template", ""},
      {"tables", std::int64_t{1}, 0, 1e18, {}, "1", "drawn: seed of the templates", ""},
      {"samples", d.samples, 0, 0, {}, "", "dataset of an HDF5 file (--text FILE): samples along its first axis", ""},
      {"labels", d.labels, 0, 0, {}, "", "dataset of an HDF5 file: the class of each", ""},
  };
}

Settings settings(const Values& v) {
  return {v.integer("features"), v.integer("classes"), v.real("contrast"), v.real("noise"), static_cast<std::uint64_t>(v.integer("tables")),
          v.text("samples"),     v.text("labels")};
}

Samples read(const std::vector<std::string>& paths, const Settings& settings) {
  hdf5_quiet();
  if (paths.size() == 2) return from_idx(paths);
  if (paths.size() == 1) return from_hdf5(paths[0], settings);
  throw ConfigError("--text", std::to_string(paths.size()) + " files",
                    "the labelled world reads one HDF5 file, or an IDX file of samples and one of labels; none: it draws its samples");
}

}  // namespace strata::labelled
