// Contrastive: windows of one situation are near each other, those of others far.
//
// Equation    G_j = -ln p_jj,   p_ij = softmax over i of q_ij,   q_ij = f(mu'_i) . f(mu_j) / (n T);
//             -dG_j/df_j = (f(mu'_j) - sum_i p_ij f(mu'_i)) / (n T)
//             mu'_j of the window before, in this stream. Others, i > B and of other streams: the last window of the unit before this one, in this document
//             (so that for a sentence one of the same paragraph) and in the others; the window before in the other streams, which are other documents,
//             or other places of a long one. Of streams inside a document, all of them
// Symbols     f n x B, q and p 2B x B, T temperature, G nats per token
// Limit       K windows, all alike: G = ln K; 0 where the own one is told from all others, and where it is the only one
// Source      contrastive predictive coding, van den Oord, Li & Vinyals 2018

#include "core/objective/term.hpp"

namespace strata {

namespace {

constexpr int out_of_reach = -1000000;  // beyond 1 / T

template <class T>
class Contrastive final : public Term<T> {
 public:
  explicit Contrastive(const TermPlace<T>& place)
      : device_(place.device),
        weight_(static_cast<T>(place.weight)),
        scale_(static_cast<T>(1 / (static_cast<double>(place.units) * place.values.real("contrastive_temperature")))),
        likeness_(place.device, 2 * place.streams, place.streams),
        error_(place.device, 2 * place.streams, place.streams) {
    for (std::int32_t j = 0; j < place.streams; ++j) own_.push_back({j, j, T(1)});
  }

  bool compares() const override { return true; }

  void evaluate(const Moment<T>& m, View<T> slope, View<T> value) override {
    device_.gemm(true, false, scale_, m.windows, m.activity, T(0), likeness_);
    device_.add_to_rows(T(out_of_reach), m.stale, likeness_);       // no document to be told from
    device_.softmax_cross_entropy(likeness_, own_, error_, value);  // error: own - p
    device_.gemm(false, false, weight_ * scale_, m.windows, error_.view(), T(0), slope);
    device_.axpby(T(0), value, weight_, value);
  }

 private:
  Device<T>& device_;
  T weight_, scale_;
  Tensor<T> likeness_, error_;
  std::vector<Entry<T>> own_;
};

template <class T>
std::unique_ptr<Term<T>> make(const TermPlace<T>& place) {
  return std::make_unique<Contrastive<T>>(place);
}

}  // namespace

TermKind contrastive_term() {
  return {"contrastive",
          "windows of one situation are told from those of units before it and of other documents",
          "van den Oord et al. 2018",
          {{"contrastive_temperature",
            .1,
            1e-3,
            100,
            {},
            "1",
            "T, below which likeness of windows counts as the same",
            "van den Oord et al. 2018"}},
          make<float>,
          make<double>};
}

}  // namespace strata
