// Consistency: what a level expects of its span agrees with what the level below then came to say over it.
//
// Equation    as core/objective/decoder.hpp, s the mean over the window that ends now
// Symbols     s inputs x B: word vectors at level 1, above it what the level below handed up
// Limit       a constant text: G -> 0
// Source      hierarchical predictive coding over time, Rao & Ballard 1999; successor features, Barreto et al. 2017

#include "core/objective/decoder.hpp"

namespace strata {

namespace {

template <class T>
class Consistency final : public DecoderTerm<T> {
 public:
  using DecoderTerm<T>::DecoderTerm;

 private:
  ConstView<T> target(const Moment<T>& m) const override { return m.span; }
};

template <class T>
std::unique_ptr<Term<T>> make(const TermPlace<T>& place) {
  return std::make_unique<Consistency<T>>(place, "consistency");
}

}  // namespace

TermKind consistency_term() {
  return {"consistency",        "what the level below says over a window can be read from the expectation held over it",
          "Rao & Ballard 1999", {},
          make<float>,          make<double>};
}

}  // namespace strata
