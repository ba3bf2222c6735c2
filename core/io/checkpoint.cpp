#include "core/io/checkpoint.hpp"

#include "core/error.hpp"
#include "core/io/archive_hdf5.hpp"
#include "core/io/file.hpp"
#include "core/io/provenance.hpp"
#include "core/parameter.hpp"

namespace strata {
namespace {

std::string of_commit(const Hdf5File& file) {
  return file.has_attribute("/", "commit") ? " (commit " + file.text_attribute("/", "commit").substr(0, 12) + ")" : "";
}

/// Opens `path` and makes sure that it is a file of this kind and format.
Hdf5File opened(const std::string& path, const FileKind& kind) {
  Hdf5File file(path);
  if (!file.has_attribute("/", "kind") || !file.is_text_attribute("/", "kind"))
    throw FileError(path, "", "is an HDF5 file, but not a " + kind.name + " (perhaps a trace, or from another program)");
  const std::string found = file.text_attribute("/", "kind");
  if (found != kind.name) throw FileError(path, "", "is a " + found + ", not a " + kind.name);
  const std::int64_t format = file.integer_attribute("/", "format_version");
  if (format == kind.format) return file;
  const std::string writer =
      file.has_attribute("/", "strata_version") ? file.text_attribute("/", "strata_version") : "of an unknown version";
  const std::string own = build_provenance().strata_version;
  throw FileError(path, "",
                  "is a " + kind.name + " of format " + std::to_string(format) + ", written by strata " + writer + "; this is strata " +
                      own + ", which reads format " + std::to_string(kind.format) + ": use " +
                      (writer == own ? "the build that wrote it" + of_commit(file) : "strata " + writer) +
                      ", or train again with this one");
}

}  // namespace

void save_atomically(const std::string& path, const std::function<void(Archive&)>& body, const std::map<std::string, std::string>& notes,
                     const FileKind& kind) {
  // Made in memory and written by plain system calls: a full disk is then an ordinary error, and HDF5 is never left
  // with a file that it can neither write nor close. A model is small beside the memory that trained it.
  Hdf5File file = Hdf5File::in_memory(path);
  file.set_text("/", "kind", kind.name);
  file.set_number("/", "format_version", kind.format);
  for (const auto& [name, text] : attributes_of(build_provenance())) file.set_text("/", name, text);
  for (const auto& [name, text] : notes) file.set_text("/", name, text);
  Hdf5Archive archive(file, Hdf5Archive::Direction::save);
  body(archive);
  write_atomically(path, file.image());
}

void load(const std::string& path, const std::function<void(Archive&)>& body, const FileKind& kind) {
  Hdf5File file = opened(path, kind);
  Hdf5Archive archive(file, Hdf5Archive::Direction::load);
  body(archive);
}

std::map<std::string, std::string> read_notes(const std::string& path, const FileKind& kind) {
  const Hdf5File file = opened(path, kind);
  std::map<std::string, std::string> notes;
  for (const std::string& name : file.attributes("/"))
    notes[name] = file.is_text_attribute("/", name) ? file.text_attribute("/", name) : to_text(file.number_attribute("/", name));
  return notes;
}

}  // namespace strata
