#pragma once
// Texts to choose between: one as it was written, the others disturbed at one scale, so that only who knows what belongs together tells them
// apart. Everything is a function of the documents, the options and the seed.
//
//   sentence order      a document and the same sentences in another order
//   intruder            a document and the same with one sentence taken from another document, of about the same length
//   next paragraph      what was read, and which paragraph follows: the next, a later one of the document, two of other documents
//   second half         the first half of a document, and which second half is its own: of four documents
//   paragraph order     a document and the same paragraphs in another order

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/worlds/text/text_world.hpp"

namespace strata::text {

struct ChoiceOptions {
  Index count = 100;   ///< items of each kind at most
  Index length = 600;  ///< tokens of a document that are looked at, up to the end of a sentence
  std::uint64_t seed = 1;
};

/// One of the texts of an item.
struct Candidate {
  Script script;   ///< what is read
  Index from = 0;  ///< tokens of it that all candidates begin with
  /// The words that no other candidate has, read by themselves; empty where all consist of the same words.
  Script alone;
  std::vector<Script> parts;  ///< what a bag of words compares: neighbours, each with the next
};

struct Choice {
  std::vector<Candidate> candidates;  ///< the first is as it was written
};

struct ChoiceTest {
  std::string name;
  std::vector<Choice> items;
};

/// Units of a document that end with `end` (sentence_end or paragraph_end), without the marks between them, which would tell their order, and
/// without the document's <eod>; the first
/// `length` tokens, whole units only. At the end of each all levels look ahead (forced_tick), so that candidates differ in what they read alone.
std::vector<Segment> units_of(const EncodedDocument& document, std::uint8_t end, Index length);

/// The five tests in the order above; a test that the documents do not allow has no items.
std::vector<ChoiceTest> make_choices(const std::vector<EncodedDocument>& documents, const ChoiceOptions& options);

}  // namespace strata::text
