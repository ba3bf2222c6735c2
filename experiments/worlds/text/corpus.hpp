#pragma once
// Reads UTF-8 text into documents, paragraphs and sentences. Every byte of every source belongs to exactly one document, so that what a
// model reads can be laid on the source and counted: bits per byte are true.
//
// A line that holds only a form feed (blanks beside it allowed) ends a document, and so does the end of the file; blank lines end a
// paragraph. A document's bytes run from its first byte to the end of the separator behind it: the separators, a byte order mark and the
// blank lines at a file's start and end belong to documents like everything else.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/worlds/text/sentences.hpp"

namespace strata::text {

/// One file. A source is a work: Austen's novels are one file each.
struct Source {
  std::string path;
  std::string name;             ///< file name without folder and endings
  std::string bytes;            ///< the whole file, valid UTF-8
  bool line_sentences = false;  ///< one sentence per line
};

/// All ranges are bytes of the source. paragraphs[i] runs to its last character, without the line end; the separator is the gap to the
/// next.
struct Document {
  std::int32_t index = 0;   ///< place in Corpus::documents
  std::int32_t source = 0;  ///< place in Corpus::sources
  Span range;               ///< with blank lines before and the separator behind
  std::string title;        ///< first line, at most 120 bytes
  std::vector<Span> paragraphs;
  std::vector<Span> sentences;  ///< in order, without white space around them, each within one paragraph
};

struct Corpus {
  std::vector<Source> sources;
  std::vector<Document> documents;
  std::string language;  ///< ISO 639, as given or found

  std::string_view bytes(const Document& document, const Span& span) const;
  std::string_view bytes(const Document& document) const { return bytes(document, document.range); }
  std::int64_t size() const;  ///< bytes of all sources
};

struct CorpusOptions {
  std::string language = "auto";   ///< ISO 639 code, or auto: from the dominant script
  std::string sentences = "auto";  ///< "icu", "lines" (one per line), or auto: lines for *.sents.txt, else icu
};

/// Reads files, and the *.txt of folders in order of name (other endings and sub-folders are not read); a file met twice is read once.
/// Throws FileError (missing, unreadable) and DataError (empty, folder without text, not UTF-8: file, line and byte offset).
Corpus read_corpus(const std::vector<std::string>& paths, const CorpusOptions& options = {});

/// The same from memory; `name` stands in error messages.
Corpus corpus_from_bytes(const std::string& name, std::string bytes, const CorpusOptions& options = {});

/// The same from standard input.
Corpus corpus_from_standard_input(const CorpusOptions& options = {});

/// Indices of documents to learn from and to score on.
struct HoldOut {
  std::vector<std::int32_t> training, held_out;
};

/// Every tenth document is held out (indices 9, 19, ...); of two to nine documents the last. Throws DataError for a single document.
HoldOut hold_out_tenth(const Corpus& corpus);

/// The last documents are held out, as many as come nearest to a tenth of the bytes. A single document is first cut in two at the end of a
/// paragraph nearest to nine tenths, or, where it has but one, of a line that ends a sentence; what stood between belongs to the first.
/// Throws DataError where there is no such place.
HoldOut hold_out_last(Corpus& corpus);

/// Every document of a corpus, in order.
std::vector<std::int32_t> all_documents(const Corpus& corpus);

/// First byte of `bytes` that does not belong to well-formed UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF), or -1.
std::int64_t first_invalid_utf8(std::string_view bytes);

}  // namespace strata::text
