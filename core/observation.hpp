#pragma once
// What a world hands to the engine at each step. Worlds never see a level; the engine never sees where text comes from.

#include <cstdint>
#include <vector>

namespace strata {

class Archive;

using Index = std::int64_t;

/// Structure that ends with the token just read, as bits of Observation::boundary.
enum Boundary : std::uint8_t {
  sentence_end = 1,
  paragraph_end = 2,
  document_end = 4,
  forced_tick = 8,  ///< every level ticks here, whatever its count (the end of an inserted passage, in both copies)
};
/// What a level takes for the end of its own unit, among the bits that are its own.
inline constexpr std::uint8_t found_end = 128;
/// The first three of them where levels are not told: shifted left by so much. Recorded, never read by a level.
inline constexpr int untold = 4;

/// What an experiment does to a stream, as bits of Observation::event; recorded under /events.
enum Event : std::uint8_t { surprise_on = 1, surprise_off = 2, context_switch = 4 };

/// One step of B parallel streams. Every vector has B entries unless it says other. An idle stream (active = 0) holds id 0 and is masked throughout.
struct Observation {
  std::vector<std::int32_t> id;          ///< token read now, 0 .. V-1
  std::vector<std::uint8_t> active;      ///< 1 where the stream has a token, 0 where it is idle
  std::vector<std::uint8_t> boundary;    ///< bits of Boundary
  std::vector<std::uint8_t> event;       ///< bits of Event
  std::vector<std::int32_t> document;    ///< index of the document the token lies in, -1 when idle
  std::vector<std::int64_t> byte_begin;  ///< byte range of the token in its document's source file
  std::vector<std::int64_t> byte_end;
  std::vector<std::int32_t> pass;  ///< how often the stream's text has been read before, 0 in the first pass
  std::vector<double> value;       ///< numbers observed, channels x B column-major, the world's units; empty in a world of tokens
  std::vector<std::int32_t>
      context;  ///< true contexts, levels x B column-major, lowest first; empty where unknown. Recorded, never read by a level

  void resize(Index streams) {
    const auto n = static_cast<std::size_t>(streams);
    id.assign(n, 0);
    active.assign(n, 0);
    boundary.assign(n, 0);
    event.assign(n, 0);
    document.assign(n, -1);
    byte_begin.assign(n, 0);
    byte_end.assign(n, 0);
    pass.assign(n, 0);
  }
};

/// A source of observations in parallel streams.
class World {
 public:
  virtual ~World() = default;
  virtual Index streams() const = 0;            ///< B
  virtual Index vocabulary() const = 0;         ///< V; 0 where observations are numbers
  virtual Index channels() const { return 0; }  ///< numbers per step and stream; 0 where observations are tokens
  virtual Index tokens() const = 0;             ///< tokens that all streams together will deliver from the start (not steps)
  /// Steps until every stream has ended, from the start.
  virtual Index steps() const { return (tokens() + streams() - 1) / streams(); }
  /// Fills `out` (already sized to streams()) with the next step; false when every stream has ended (then `out` is untouched).
  virtual bool next(Observation& out) = 0;
  /// Saves or restores every cursor, so that a resumed run reads the same tokens.
  virtual void archive(Archive& archive) = 0;
};

}  // namespace strata
