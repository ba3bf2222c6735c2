#include "core/stream_lesion.hpp"

#include <algorithm>
#include <limits>

namespace strata {

template <class T>
StreamLesion<T>::StreamLesion(Hierarchy<T>& hierarchy) : hierarchy_(hierarchy), device_(hierarchy.device()) {
  const Index n = hierarchy.level(1).contribution().rows, b = hierarchy.streams();
  for (auto* x : {&stream_, &other_}) *x = {device_, n, b};
  loss_ = {device_, b, 1};
  for (Index l = 0; l < hierarchy.depth(); ++l) means_.emplace_back(device_, n, 1);
}

template <class T>
void StreamLesion<T>::intact(const Step<T>& step, std::span<T> loss) {
  device_.fill(loss_, std::numeric_limits<T>::quiet_NaN());
  score(step, hierarchy_.level(1).downward().stream, loss);
}

template <class T>
void StreamLesion<T>::without(const Step<T>& step, Index part, std::span<T> loss) {
  replace(levels_of(part), {});
  score(step, stream_, loss);
}

template <class T>
void StreamLesion<T>::without_above(const Step<T>& step, Index first, std::span<T> loss) {
  replace({first, hierarchy_.awake()}, {});
  score(step, stream_, loss);
}

template <class T>
void StreamLesion<T>::swapped(const Step<T>& step, Index part, std::span<const std::int32_t> from, std::span<T> loss) {
  replace(levels_of(part), from);
  score(step, stream_, loss);
}

template <class T>
void StreamLesion<T>::follow(const Step<T>& step, double rate) {
  const auto active = static_cast<double>(std::max<Index>(1, step.active_count));
  for (Index l = 1; l < hierarchy_.awake(); ++l) {
    if (!speaks(l)) continue;
    const double part = l < followed_ ? rate : 1;
    device_.row_sum(static_cast<T>(part / active), hierarchy_.level(l).contribution(), step.active, static_cast<T>(1 - part),
                    means_[static_cast<std::size_t>(l)]);
  }
  followed_ = hierarchy_.awake();
}

/// stream_ = the whole, with the shares of these levels replaced: by their slow means, or by those of other streams where `from` names them.
template <class T>
void StreamLesion<T>::replace(const Levels& levels, std::span<const std::int32_t> from) {
  device_.copy(hierarchy_.level(1).downward().stream, stream_);
  for (Index l = levels.first; l < levels.end; ++l) {
    if (!speaks(l)) continue;
    const ConstView<T> share = hierarchy_.level(l).contribution();
    device_.axpby(T(-1), share, T(1), stream_);
    if (from.empty()) {
      device_.add_to_rows(T(1), means_[static_cast<std::size_t>(l)], stream_);
    } else {
      device_.gather_columns(share, from, other_);
      device_.axpby(T(1), other_, T(1), stream_);
    }
  }
}

template <class T>
void StreamLesion<T>::score(const Step<T>& step, ConstView<T> stream, std::span<T> loss) {
  hierarchy_.level(0).score_with_stream(step, stream, loss_);
  device_.download(loss_, loss);
}

template <class T>
void StreamLesion<T>::archive(Archive& archive) {
  archive.value("followed", followed_);
  for (std::size_t l = 1; l < means_.size(); ++l) archive.tensor("mean_" + std::to_string(l), means_[l]);
}

template class StreamLesion<float>;
template class StreamLesion<double>;

}  // namespace strata
