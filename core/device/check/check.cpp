#include "core/device/check/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "core/device/factories.hpp"
#include "core/error.hpp"

namespace strata {
namespace {

template <class T>
std::string shape(ConstView<T> v) {
  return v.data == nullptr ? "none" : std::to_string(v.rows) + "x" + std::to_string(v.cols);
}

template <class T>
double largest_finite(const std::vector<T>& values) {
  double largest = 0;
  for (const T value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

template <class T>
std::vector<T> fetch(const Device<T>& device, ConstView<T> view) {
  std::vector<T> host(static_cast<std::size_t>(view.rows * view.cols));
  device.download(view, host);
  return host;
}

/// |a - b| relative to the tolerance: above 1 is too much.
template <class T>
double excess(T a, T b, double absolute, double relative) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  const double difference = std::abs(static_cast<double>(a) - static_cast<double>(b));
  const double allowed = (absolute + relative * std::abs(static_cast<double>(b))) * static_cast<double>(std::numeric_limits<T>::epsilon());
  return allowed > 0 ? difference / allowed : std::numeric_limits<double>::infinity();
}

}  // namespace

template <class T>
CheckDevice<T>::CheckDevice(std::unique_ptr<Device<T>> tested, std::unique_ptr<Device<T>> expected)
    : tested_(std::move(tested)), expected_(std::move(expected)) {}

template <class T>
CheckDevice<T>::~CheckDevice() {
  copies_.clear();
  this->release_scratch();
}

template <class T>
typename CheckDevice<T>::Mirror CheckDevice<T>::mirror(ConstView<T> view, std::size_t slot, const std::vector<Mirror>& earlier) {
  Mirror result;
  result.original = view;
  if (view.data == nullptr) return result;
  result.before = fetch(*tested_, view);
  result.largest = largest_finite(result.before);
  for (const Mirror& other : earlier) {  // an output in place of an input is so on the second device, too
    if (other.original.data == view.data && other.original.rows == view.rows && other.original.cols == view.cols) {
      result.copy = other.copy;
      return result;
    }
  }
  if (copies_.size() <= slot) copies_.resize(slot + 1);
  const Index ld = leading(view.rows, view.cols, sizeof(T));
  if (copies_[slot].rows() < ld * view.cols) copies_[slot] = Tensor<T>(*expected_, ld * view.cols);
  result.copy = {copies_[slot].view().data, view.rows, view.cols, ld};
  expected_->upload(result.before, result.copy);
  return result;
}

template <class T>
void CheckDevice<T>::compare(const std::string& operation, const std::vector<ConstView<T>>& inputs, const std::vector<View<T>>& outputs,
                             const Call& call, const Bound& bound) {
  std::vector<Mirror> mirrors;
  std::vector<ConstView<T>> in, in_copies;
  std::vector<View<T>> out_copies;
  std::vector<double> in_largest, out_largest;
  std::string shapes;
  for (const ConstView<T>& view : inputs) {
    mirrors.push_back(mirror(view, mirrors.size(), mirrors));
    in.push_back(view);
    in_copies.push_back(mirrors.back().copy);
    in_largest.push_back(mirrors.back().largest);
    shapes += " " + shape<T>(view);
  }
  shapes += " ->";
  for (const View<T>& view : outputs) {
    mirrors.push_back(mirror(view, mirrors.size(), mirrors));
    out_copies.push_back(mirrors.back().copy);
    out_largest.push_back(mirrors.back().largest);
    shapes += " " + shape<T>(view);
  }

  call(*tested_, in, outputs);
  call(*expected_, in_copies, out_copies);

  const Tolerance tolerance = bound(in_largest, out_largest);
  for (std::size_t i = 0; i < mirrors.size(); ++i) {
    if (mirrors[i].original.data == nullptr) continue;
    const bool is_output = i >= inputs.size() || std::any_of(mirrors.begin() + static_cast<std::ptrdiff_t>(inputs.size()), mirrors.end(),
                                                             [&](const Mirror& m) { return m.original.data == mirrors[i].original.data; });
    verify(operation, shapes, mirrors[i], is_output ? tolerance : Tolerance{});
  }
}

template <class T>
void CheckDevice<T>::verify(const std::string& operation, const std::string& shapes, const Mirror& output, Tolerance tolerance) {
  const std::vector<T> got = fetch(*tested_, output.original);
  const std::vector<T> wanted = fetch(*expected_, ConstView<T>(output.copy));
  std::size_t worst = 0;
  double worst_excess = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double now = excess(got[i], wanted[i], tolerance.absolute, tolerance.relative);
    if (now > worst_excess) {
      worst_excess = now;
      worst = i;
    }
  }
  if (worst_excess <= 1) return;
  const auto rows = static_cast<std::size_t>(output.original.rows);
  std::ostringstream reason;
  reason.precision(9);
  reason << tested_->name() << " and " << expected_->name() << " disagree," << shapes << ": element (" << worst % rows << ", "
         << worst / rows << ") of " << shape<T>(output.original) << " is " << got[worst] << ", expected " << wanted[worst]
         << ", difference " << got[worst] - wanted[worst];
  throw DeviceError(operation, 0, reason.str());
}

template <class T>
void CheckDevice<T>::upload(std::span<const T> host, View<T> to) {
  tested_->upload(host, to);
  const std::vector<T> back = fetch(*tested_, ConstView<T>(to));
  if (!std::equal(back.begin(), back.end(), host.begin(), host.end(),
                  [](T a, T b) { return a == b || (std::isnan(a) && std::isnan(b)); })) {
    throw DeviceError("upload", 0, tested_->name() + " does not give back what was uploaded, " + shape<T>(to));
  }
}

template <class T>
void CheckDevice<T>::read_entries(ConstView<T> x, std::span<const Entry<T>> entries, std::span<T> out) const {
  tested_->read_entries(x, entries, out);
  const std::vector<T> host = fetch(*tested_, x);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const T wanted = host[static_cast<std::size_t>(entries[i].row + entries[i].col * x.rows)];
    if (excess(out[i], wanted, 0, 0) > 0) {
      throw DeviceError("read_entries", 0,
                        tested_->name() + " reads " + std::to_string(out[i]) + ", expected " + std::to_string(wanted) + ", entry " +
                            std::to_string(i) + " of " + shape<T>(x));
    }
  }
}

template <class T>
std::unique_ptr<Device<T>> make_check_device(const DeviceOptions& options) {
  DeviceOptions full = options;
  full.products = "float";  // tolerances are those of float
  if (options.checked != "cpu" && options.checked != "cuda") throw ConfigError("checked", options.checked, "must be one of cpu, cuda");
  auto tested = options.checked == "cuda" ? make_cuda_device<T>(full) : make_cpu_device<T>(full);
  return std::make_unique<CheckDevice<T>>(std::move(tested), make_reference_device<T>(full));
}

template std::unique_ptr<Device<float>> make_check_device<float>(const DeviceOptions&);
template std::unique_ptr<Device<double>> make_check_device<double>(const DeviceOptions&);
template class CheckDevice<float>;
template class CheckDevice<double>;

}  // namespace strata
