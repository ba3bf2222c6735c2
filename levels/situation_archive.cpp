// What of a situation level is a model, and what a checkpoint adds. See levels/situation.hpp.

#include <algorithm>

#include "levels/situation.hpp"

namespace strata {

template <class T>
void SituationLevel<T>::archive_parameters(Archive& archive) {
  archive.value("gain", gain_);
  archive.value("innovation_count", innovation_count_);
  archive.value("mean_count", mean_count_);
  archive.tensor("mean", mean_);
  archive.tensor("power", power_);
  if (archive.loading()) {
    scales_.derive();
    std::vector<T> power(static_cast<std::size_t>(units_));
    device_.download(power_, power);
    sized_ = std::any_of(power.begin(), power.end(), [](T nu) { return nu != 0; });
  }
  broad_.archive_parameters(archive);
  if (settings_.segmentation.on) {
    Archive::Scope scope(archive, "segmentation");
    segmentation_.archive_parameters(archive);
  }
  Archive::Scope scope(archive, "gate");
  gate_.archive_parameters(archive);
}

template <class T>
std::vector<std::pair<const char*, Tensor<T>*>> SituationLevel<T>::state_tensors() {
  std::vector<std::pair<const char*, Tensor<T>*>> all{{"h", &h_},
                                                      {"h_used", &h_used_},
                                                      {"kap", &kap_},
                                                      {"kap_used", &kap_used_},
                                                      {"base", &base_},
                                                      {"mu", &mu_},
                                                      {"x", &x_},
                                                      {"f", &f_},
                                                      {"drop", &drop_},
                                                      {"fd", &fd_},
                                                      {"stream", &stream_},
                                                      {"share", &share_},
                                                      {"features", &features_},
                                                      {"belief", &belief_},
                                                      {"error", &error_},
                                                      {"rho_sum", &rho_sum_},
                                                      {"feedback_sum", &feedback_sum_},
                                                      {"error_norm", &error_norm_},
                                                      {"penalty", &penalty_}};
  if (above_ > 0) {
    all.emplace_back("above_used", &above_used_);
    all.emplace_back("feedback", &feedback_);
  }
  if (activation_.on()) all.emplace_back("rho_window", &rho_window_);
  return all;
}

template <class T>
void SituationLevel<T>::archive_state(Archive& archive) {
  for (auto& [name, x] : state_tensors()) archive.tensor(name, *x);
  archive.value("count", count_);
  archive.value("carried_gate", carried_gate_);
  archive.value("ring", ring_);
  archive.value("read", read_);
  archive.value("begin", begin_);
  archive.value("forecasting", forecasting_);
  archive.tensor("tick_mask", tick_mask_);
  if (activation_.on())
    archive.value("window", window_);
  else
    window_ = count_;
  broad_.archive_state(archive);
  scales_.archive_state(archive);
  {
    Archive::Scope scope(archive, "objective");
    objective_.archive_state(archive);
  }
  {
    Archive::Scope scope(archive, "activation");
    archive.value("tokens", tokens_);
    archive.value("taken", ticks_);
    products_.archive_state(archive);
    activation_.archive_state(archive);
  }
  if (settings_.segmentation.on) {
    Archive::Scope scope(archive, "segmentation");
    segmentation_.archive_state(archive);
  }
  Archive::Scope scope(archive, "gate");
  gate_.archive_state(archive);
}

template void SituationLevel<float>::archive_parameters(Archive&);
template void SituationLevel<double>::archive_parameters(Archive&);
template void SituationLevel<float>::archive_state(Archive&);
template void SituationLevel<double>::archive_state(Archive&);
template std::vector<std::pair<const char*, Tensor<float>*>> SituationLevel<float>::state_tensors();
template std::vector<std::pair<const char*, Tensor<double>*>> SituationLevel<double>::state_tensors();

}  // namespace strata
