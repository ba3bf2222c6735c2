#pragma once
// Stories: long texts to read, put together from documents; the same with their parts in another order, or with a few words changed.
// Everything is a function of the documents, the options and the seed.
//
// A story is documents one after another without their <eod>, so that nothing but the words says where one ends. Its tokens are counted
// over all of them. Documents must outlive stories, and stories what is made of them.

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/worlds/text/text_world.hpp"

namespace strata::text {

struct StoryOptions {
  Index count = 16;                                  ///< stories
  Index length = 2048;                               ///< tokens of each
  Index history = 400;                               ///< tokens read before it
  std::string experiment;                            ///< whose keys an error names, or ""
  std::string counted = "stories", span = "length";  ///< its keys for `count` and `length`
  std::size_t pasts = 2;                             ///< histories per story, each of documents that are not its own
  std::uint64_t seed = 1;
};

struct Story {
  Script text;
  std::vector<Script> pasts;  ///< the last token of each is a tick of every level, so that what follows begins alike
};

/// Documents in an order drawn by the seed, no document in two places. Throws DataError, with the number of stories that there is text for.
std::vector<Story> make_stories(const std::vector<EncodedDocument>& documents, const StoryOptions& options);

/// Consecutive parts of `tokens` tokens (the last is shorter).
std::vector<Script> blocks_of(const Script& text, Index tokens);
/// Parts that end with `end` (sentence_end or paragraph_end), or where a document does; a mark between two goes with the one before.
std::vector<Script> unit_blocks_of(const Script& text, std::uint8_t end);

/// A text with its parts in another order.
struct Reordered {
  Script script;             ///< every level ticks at the end of each part, so that a part is read at the same phases wherever it stands
  std::vector<Index> place;  ///< per token read: its place in the text
};
/// Parts in the order drawn by `seed`.
Reordered reordered(const std::vector<Script>& parts, std::uint64_t seed);

struct ChangeOptions {
  std::vector<std::uint8_t> words;  ///< V: ids that may be changed, and that may stand in the place of others
  std::vector<std::uint8_t> parts;  ///< V: ids that go on with a word: what stands before one is no whole word
  std::vector<double> log_unigram;  ///< V, nats
  Index per_sentence = 1;           ///< words changed in every sentence at most
  std::uint64_t seed = 1;
};

/// A document with words changed, two ways, at the same places.
struct Changed {
  EncodedDocument related;  ///< to words of one other document, nearest in frequency; a word always to the same one
  EncodedDocument random;   ///< to words drawn from those nearest in frequency to the related ones
  Index words = 0;          ///< changed
  double related_distance = 0, random_distance = 0;  ///< |ln u(new) - ln u(old)|, summed over them, nats
};

/// Changes words of tokens [from, end). `other` gives the related words, `drawn_from` all words that there are (ids, ascending ln u).
Changed change_words(const EncodedDocument& document, Index from, Index end, const EncodedDocument& other,
                     const std::vector<std::int32_t>& drawn_from, const ChangeOptions& options);
/// Whole words of the documents that may be changed, each once, in ascending frequency.
std::vector<std::int32_t> changeable_words(const std::vector<EncodedDocument>& documents, const ChangeOptions& options);

}  // namespace strata::text
