#include "core/archive.hpp"

#include "core/device/device.hpp"

namespace strata {

template <class T>
void Archive::tensor(std::string_view name, Tensor<T>& x) {
  if (x.empty()) return;
  std::vector<T> dense(static_cast<std::size_t>(x.rows() * x.cols()));
  if (!loading()) x.device().download(x.view(), dense);
  matrix(name, dense, x.rows(), x.cols());
  if (loading()) x.device().upload(dense, x.view());
}

template void Archive::tensor<float>(std::string_view, Tensor<float>&);
template void Archive::tensor<double>(std::string_view, Tensor<double>&);

}  // namespace strata
