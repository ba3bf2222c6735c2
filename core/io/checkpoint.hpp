#pragma once
// Models and checkpoints: one HDF5 file with what an archive(Archive&) body describes, never half written.
//
// Layout: /            attributes kind, format_version, strata_version, commit, ... and the caller's notes
//         /state/...   the archive: scopes are groups, values datasets

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/archive.hpp"

namespace strata {

/// What a file holds and by which rules. A change of what the archive bodies store is a new format.
struct FileKind {
  std::string name;
  std::int64_t format;
};
inline const FileKind model_file{"strata model", 3};

/// Saves through PATH.partial, fsync and rename: a kill, a power cut or a full disk leaves the previous file whole.
/// `notes` become attributes of "/". Throws FileError, and NumericalError where a weight is not finite.
void save_atomically(const std::string& path, const std::function<void(Archive&)>& body,
                     const std::map<std::string, std::string>& notes = {}, const FileKind& kind = model_file);

/// Checks kind and format first, then runs `body`. Throws FileError (missing, foreign, truncated, of another version, incomplete),
/// ShapeError (another size of network), NumericalError (a weight that is not finite).
void load(const std::string& path, const std::function<void(Archive&)>& body, const FileKind& kind = model_file);

/// Attributes of "/" as text, after the same checks as load(); for `strata inspect` and for reading the configuration before the network exists.
std::map<std::string, std::string> read_notes(const std::string& path, const FileKind& kind = model_file);

}  // namespace strata
