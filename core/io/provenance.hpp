#pragma once
// What made a result: recorded in every model, trace and summary. No name of a machine, person or folder is part of it.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

struct Provenance {
  std::string strata_version;
  std::string commit;    ///< 40 hex digits, or "unknown"
  bool dirty = false;    ///< the tree had changes that the commit does not hold
  std::string compiler;  ///< "GNU 12.2.0"
  std::string flags;     ///< compiler flags and build type
  // --- of a run
  std::string device;  ///< "reference", "cpu", ...; empty where nothing ran
  std::string isa;     ///< instruction set in use
  std::int64_t threads = 0;
  std::int64_t seed = 0;
  std::string created;  ///< UTC, ISO 8601; empty where not wanted
};

/// The facts of this build; those of a run are left empty.
Provenance build_provenance();
/// Names and values as attributes; facts of a run only where they are set (device not empty).
std::map<std::string, std::string> attributes_of(const Provenance& provenance);
/// Now, in UTC: "2026-01-31T12:00:00Z".
std::string utc_now();

/// SHA-256 of bytes as 64 hex digits (FIPS 180-4).
std::string sha256(std::string_view bytes);
/// SHA-256 of a file; throws FileError.
std::string sha256_of_file(const std::string& path);

/// One input of a run: the name as given (last component only), its size in bytes and its digest.
struct InputFile {
  std::string name;
  std::int64_t bytes = 0;
  std::string sha256;
};
InputFile input_file(const std::string& path);
/// JSON text for the attribute `inputs`: [{"name": ..., "bytes": ..., "sha256": ...}, ...].
std::string to_json(const std::vector<InputFile>& inputs);

/// Largest resident memory of this process so far, in bytes; 0 where the system does not tell.
std::int64_t peak_memory_bytes();

}  // namespace strata
