#pragma once
// Where experiments disturb a text, and with what. Everything is a function of the documents, the options and the seed.
//
// A place is a token index `at`: the tokens before it have been read, tokens from it on are the common continuation. Documents must all be
// made by one tokenizer; a work is EncodedDocument::source.
//
// Time of a trial (see the trace schema): token `at` is time 0. The history of an undisturbed copy ends with a forced tick, and so
// does the inserted passage of a disturbed one: at time 0 every level of both copies starts a new count, so their phases agree.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "experiments/worlds/text/text_world.hpp"
#include "experiments/worlds/text/tokenizer.hpp"

namespace strata::text {

enum class Unit { sentence, paragraph };
/// Where a passage is taken from: another work, another document of the same work, or documents of their own.
enum class Origin { work, document, foreign };

const char* name_of(Unit unit);      ///< "sentence", "paragraph"
const char* name_of(Origin origin);  ///< "work", "document", "foreign"

/// Tokens [begin, end) of `document`: whole sentences with what stands before them, or a whole paragraph with its <eop>.
struct Passage {
  const EncodedDocument* document = nullptr;
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
};

/// One place with a passage from each origin; their lengths differ by at most the tolerance.
struct Place {
  const EncodedDocument* document = nullptr;
  Index at = 0;  ///< behind the end of a sentence inside a paragraph, or behind the <eop> of a paragraph
  std::map<Origin, Passage> passages;
};

struct PassageOptions {
  Unit unit = Unit::sentence;
  std::vector<Origin> origins = {Origin::work, Origin::document};
  Index count = 96;        ///< places
  Index length = 25;       ///< tokens aimed at; lengths between a half and twice of it are taken, near ones first
  double tolerance = 0.1;  ///< the longest passage at a place is at most (1 + tolerance) times the shortest
  Index context = 200;     ///< tokens at least before a place in its document
  Index room = 600;        ///< tokens at least behind it
  std::string experiment;  ///< whose keys an error names, or ""
  std::uint64_t seed = 1;
};

/// Origins that `documents` can serve: work with two works or more, document with a work of two documents or more; foreign when any is
/// given.
std::vector<Origin> available_origins(const std::vector<EncodedDocument>& documents, const std::vector<EncodedDocument>& foreign = {});

/// Chooses options.count places, spread over the documents, and a passage from every origin for each; a passage is used again only when
/// there is no fresh one. Throws DataError, with the number of places found, when there is not enough text.
std::vector<Place> choose_places(const std::vector<EncodedDocument>& documents, const PassageOptions& options,
                                 const std::vector<EncodedDocument>& foreign = {});

/// Length of a history that is not cut.
constexpr Index whole = std::numeric_limits<Index>::max();

/// At most `history` tokens before the place and `room` behind it, always without the document's <eod>.
Script undisturbed(const Place& place, Index room, Index history = whole);
/// The same with the passage of `origin` before the place, its ends marked surprise_on and surprise_off.
Script disturbed(const Place& place, Origin origin, Index room, Index history = whole);
/// Tokens in front of a passage in its document, without which it has no context of its own.
constexpr Index own_context = 20;
/// Behind at most `history` tokens before the place the passage as its own document has it, with at most as many tokens before it; a passage without a
/// context of its own is left out.
Script at_home(const Place& place, Origin origin, Index history = whole);

/// A switch to the middle of another document (or as far in as PairOptions::history allows). always: reads `to` from its start; change:
/// reads `from` up to `from_at`, then `to` from
/// `to_at` on; stay: goes on in `from`. Times before 0 are of (nearly) the same number: from_at is the end of a sentence near to_at.
struct Switch {
  const EncodedDocument* from = nullptr;
  const EncodedDocument* to = nullptr;
  Index from_at = 0, to_at = 0;
};

/// " (EXPERIMENT.NAME)" for an error to name the key that would help, or "" where no experiment asks.
inline std::string named_key(const std::string& experiment, const std::string& name) {
  return experiment.empty() ? "" : " (" + experiment + "." + name + ")";
}

struct PairOptions {
  std::string experiment;         ///< whose keys an error names, or ""
  std::string counted = "pairs";  ///< its key for `count`
  Index count = 90;
  Index context = 200;   ///< tokens at least before time 0
  Index history = 1000;  ///< tokens at most before time 0
  Index room = 600;      ///< tokens at least behind it, in every copy
  std::uint64_t seed = 1;
};

/// `from` is of another work where there is one. Throws DataError, with the number found, when there is not enough text.
std::vector<Switch> choose_switches(const std::vector<EncodedDocument>& documents, const PairOptions& options);
Script always(const Switch& place, Index room);
Script change(const Switch& place, Index room);
Script stay(const Switch& place, Index room);

/// Two histories, each a document from its start, and a third document that both copies then read from its start.
struct Twin {
  const EncodedDocument* history_a = nullptr;
  const EncodedDocument* history_b = nullptr;
  const EncodedDocument* common = nullptr;
  Index end_a = 0, end_b = 0;  ///< tokens read of the histories: ends of sentences, at least `context`
};

/// Distinct pairs; the three documents are different ones. Throws DataError, with the number found, when there is not enough text.
std::vector<Twin> choose_twins(const std::vector<EncodedDocument>& documents, const PairOptions& options);
Script copy_a(const Twin& twin, Index room);
Script copy_b(const Twin& twin, Index room);

/// Two histories of one document, one behind the other, and what both copies then read: how the document goes on, or another document from its start.
struct Contrast {
  const EncodedDocument* document = nullptr;
  const EncodedDocument* other = nullptr;
  Index begin = 0, middle = 0, at = 0;  ///< histories [begin, middle) and [middle, at), `context` to `history` tokens; ends of sentences
};

/// Places as far apart as there is text for so many; those of one document may still share what is read. Throws DataError, with the number
/// found, when there is not enough text.
std::vector<Contrast> choose_contrasts(const std::vector<EncodedDocument>& documents, const PairOptions& options);
Script copy_a(const Contrast& contrast, bool goes_on, Index room);
Script copy_b(const Contrast& contrast, bool goes_on, Index room);

}  // namespace strata::text
