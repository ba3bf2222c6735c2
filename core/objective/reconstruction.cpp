// Reconstruction: the span that a level has just read can be read out of what it now holds.
//
// Equation    as core/objective/decoder.hpp, s the mean over the window before the one that ends now, which the expectation was made from
// Symbols     s inputs x B: word vectors at level 1, above it what the level below handed up
// Limit       as many units as inputs and a short memory: G -> 0
// Source      auto-encoding, Rumelhart, Hinton & Williams 1986

#include "core/objective/decoder.hpp"

namespace strata {

namespace {

template <class T>
class Reconstruction final : public DecoderTerm<T> {
 public:
  using DecoderTerm<T>::DecoderTerm;
  bool compares() const override { return true; }

 private:
  ConstView<T> target(const Moment<T>& m) const override { return m.span_before; }
};

template <class T>
std::unique_ptr<Term<T>> make(const TermPlace<T>& place) {
  return std::make_unique<Reconstruction<T>>(place, "reconstruction");
}

}  // namespace

TermKind reconstruction_term() {
  return {"reconstruction", "the span just read can be read out of the expectation made from it", "Rumelhart et al. 1986", {}, make<float>,
          make<double>};
}

}  // namespace strata
