#pragma once
// Plain files that are either whole or not there. Errors are FileError and say so when the disk is full.

#include <cstdint>
#include <span>
#include <string>

namespace strata {

/// What a failing system call means for the user, from its errno.
std::string disk_reason(int number);

/// Writes PATH.partial, flushes it to the disk and renames it into place: whoever looks, also after a kill or a power cut,
/// sees the old file or the new one. Throws FileError{path}; then the old file is untouched and PATH.partial is gone.
void write_atomically(const std::string& path, std::span<const std::uint8_t> bytes);
void write_atomically(const std::string& path, const std::string& text);

/// Throws FileError unless a file can be written at `path`; makes missing folders. To be asked before the work, not after it.
void require_writable(const std::string& path);

/// The whole file. Throws FileError.
std::string read_file(const std::string& path);

}  // namespace strata
