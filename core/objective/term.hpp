#pragma once
// A term of the hierarchical loss, at one level that predicts by f(mu): beside free energy and prediction loss, something that a good
// belief should be. Its weight is a key of the level; its local contribution an error on what the level predicted.
//
// A level holds its prediction over a window, from one tick to the next. When the window ends the term says what it is worth, and in which
// direction the prediction should have been another; the level takes that into the weights behind its prediction, once for every token of
// the window, with the partners of that moment. Beliefs do not settle on it, and word vectors do not learn from it: a term shapes what a
// level comes to expect, not what it perceives.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/parameter.hpp"
#include "core/weight.hpp"

namespace strata {

/// A window of a level that ends now. Columns are streams.
template <class T>
struct Moment {
  ConstView<T> activity;  ///< f(mu) of the window, n x B
  ConstView<T> before;    ///< the same of the window before, n x B
  ConstView<T> windows;   ///< `before`, then the last window of the unit before this one in its document, n x 2B
  ConstView<T> stale;     ///< of each column of `windows` 1 where it is of no document that is being read, or there twice, else 0, 2B x 1
  ConstView<T> span;      ///< mean over the window of what the level's memory integrates, centred, inputs x B
  ConstView<T> span_before;  ///< the same of the window before, inputs x B
};

/// Where a term stands, and what it is built with.
template <class T>
struct TermPlace {
  Device<T>& device;
  Index units, inputs, streams, columns;  ///< n; rows of a span; B; columns that learning stashes between two updates
  std::uint64_t seed;
  std::uint32_t level;
  const Values& values;  ///< of the level's table
  double weight;         ///< w
};

template <class T>
class Term {
 public:
  virtual ~Term() = default;
  /// slope (n x B) = -w dG/df(mu), value (B x 1) = w G, nats per token; both are overwritten, in every stream.
  virtual void evaluate(const Moment<T>& moment, View<T> slope, View<T> value) = 0;
  /// It compares with the window before: where a document began with this one, it says nothing.
  virtual bool compares() const { return false; }

  // --- of terms with weights of their own
  /// Keeps what the last evaluation would teach them, `factor` (B x 1) times, in columns from `first` on.
  virtual void stash(const Moment<T>& moment, ConstView<T> factor, Index first) { (void)moment, (void)factor, (void)first; }
  /// The first `count` columns, times `scale`, become gradients.
  virtual void accumulate(T scale, Index count) { (void)scale, (void)count; }
  virtual void visit_weights(const std::function<void(Weight<T>&)>& visit) { (void)visit; }
};

struct TermKind {
  const char* name;  ///< the key of its weight
  const char* summary;
  const char* source;
  ParameterTable details;  ///< further keys
  std::unique_ptr<Term<float>> (*make_float)(const TermPlace<float>&);
  std::unique_ptr<Term<double>> (*make_double)(const TermPlace<double>&);
};

/// Every term, in the order of core/objective/list.inc.
const std::vector<TermKind>& term_kinds();
/// Keys of all of them: weights, 0 by default, and details.
ParameterTable term_parameters();

}  // namespace strata
